using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Processes;
using LocalHosting.State;

namespace LocalHosting.Engine;

/// <summary>What all parts of one running engine share.</summary>
internal sealed record EngineServices(
    ApplicationBuilder Model,
    IServiceProvider Services,
    StateFolder State,
    PortBook Ports,
    LauncherThread Launcher,
    Supervisor Supervisor,
    ResourceNotificationService Notifications,
    TimeProvider Time);
