using System.ComponentModel;
using Microsoft.Extensions.Options;
using Smart.Client.Network;
using Smart.Client.Playback;
using Storage.Fabric.Chunks;

namespace Smart.Client.Terminal;

/// <summary>Plays one video on a console. The progress goes to standard error: standard output may be the video.</summary>
internal static class ConsolePlayback
{
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(CommandLine line, Guid videoId)
    {
        try
        {
            using var host = line.HasDashboard ? SmartClient.Build(line.Settings) : SmartClient.BuildPlayer(line.Settings);
            await host.StartAsync();
            var interrupted = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping; // Ctrl-C, or a polite kill
            try
            {
                return await PlayAsync(line, videoId, host.Services, interrupted);
            }
            catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
            finally
            {
                await host.StopAsync(CancellationToken.None);
            }
        }
        catch (VideoNotFoundException exception)
        {
            return await FailAsync(exception, ExitCodes.NoSuchVideo);
        }
        catch (OptionsValidationException exception)
        {
            return await FailAsync(exception, ExitCodes.Usage);
        }
        catch (Exception exception) when (exception is HttpRequestException or ChunkUnavailableException or IOException or UnauthorizedAccessException or Win32Exception or TaskCanceledException)
        {
            return await FailAsync(exception, ExitCodes.Failed);
        }
    }

    private static async Task<int> PlayAsync(CommandLine line, Guid videoId, IServiceProvider services, CancellationToken ct)
    {
        var player = services.GetRequiredService<SmartPlayer>();
        var time = services.GetRequiredService<TimeProvider>();
        using var session = await player.OpenAsync(videoId, line.IsFast ? Pace.Unbounded : Pace.RealTime, ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var progress = new ProgressLine(player, services.GetRequiredService<NodeRegistry>(), time).ShowAsync(over.Token);
        try
        {
            return line.Player is { } command ? await PlayIntoAsync(command, session, time, ct) : await PlayToAsync(line.Output, session, ct);
        }
        finally
        {
            await over.CancelAsync();
            await progress;
        }
    }

    private static async Task<int> PlayToAsync(string? output, PlaybackSession session, CancellationToken ct)
    {
        if (output is null)
        {
            await session.PlayAsync(ChunkSinks.Nowhere, ct);
        }
        else
        {
            await using var stream = output == "-" ? Console.OpenStandardOutput() : new FileStream(output, FileMode.Create, FileAccess.Write, FileShare.Read);
            await session.PlayAsync(ChunkSinks.To(stream), ct);
        }

        return session.WasStopped ? ExitCodes.Interrupted : ExitCodes.Played;
    }

    private static async Task<int> PlayIntoAsync(IReadOnlyList<string> command, PlaybackSession session, TimeProvider time, CancellationToken ct)
    {
        await using var player = PlayerProcess.Start(command, time);
        try
        {
            await session.PlayAsync(ChunkSinks.To(player.Input), ct);
        }
        catch (IOException)
        {
            // Its window was closed, or it gave up: its exit code says which.
        }

        return await player.FinishAsync(ct) == 0 ? ExitCodes.Played : ExitCodes.Failed;
    }

    private static async Task<int> FailAsync(Exception exception, int code)
    {
        await Console.Error.WriteLineAsync($"smart-client: {exception.Message}");
        return code;
    }
}
