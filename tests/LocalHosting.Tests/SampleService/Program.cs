// The smallest service that shows what the engine did with it: its environment, its pid, and a way to die.
var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
app.MapGet("/health", () => "ok");
app.MapGet("/pid", () => Environment.ProcessId);
app.MapGet("/environment/{name}", (string name) => Environment.GetEnvironmentVariable(name) is { } value ? Results.Text(value) : Results.NotFound());
app.MapGet("/exit/{code:int}", (int code) => Environment.Exit(code));
app.Run();
