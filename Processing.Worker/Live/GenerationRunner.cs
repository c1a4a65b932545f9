using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>What a session asks of one connection.</summary>
/// <param name="Url">Where the input is; it may carry a key and is never logged.</param>
/// <param name="Patience">How long the first bytes may take.</param>
/// <param name="Folder">Scratch of the session.</param>
/// <param name="Seen">Told with all that comes.</param>
/// <param name="Stop">Ends the input; what came is still made segments.</param>
/// <param name="Held">The lease: when it ends, so does everything.</param>
internal sealed record InputConnection(Generation Generation, string Url, TimeSpan Patience, string Folder, Action Seen, CancellationToken Stop, CancellationToken Held);

/// <summary>
/// Runs a connection to its end: input to the recorder and to the encoder, the encoder's output into segments, all at once. Whatever ends it ends the
/// input; then the rest is flushed, within a bound.
/// </summary>
internal sealed partial class GenerationRunner(
    FfmpegRunner ffmpeg, LiveEncoder encoder, ObjectStore objects, LiveSegments segments, LiveMetrics metrics, IOptions<WorkerOptions> options, TimeProvider time, ILogger<GenerationRunner> logger)
{
    private const int BufferBytes = 64 << 10;

    private static readonly TimeSpan _stalledAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _fruitlessAfter = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan _flushWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _watch = TimeSpan.FromMilliseconds(250);

    public async Task<(GenerationEnd Why, string Detail)> RunAsync(InputConnection connection)
    {
        ParameterWatch parameters = new();
        await using var puller = await ffmpeg.StartAsync(
            new FfmpegPipeCommand
            {
                Arguments = LiveArguments.Puller(connection.Url, options.Value.LiveCaFile),
                WorkDir = connection.Folder,
                HasNetwork = true,
                AtMost = TimeSpan.FromHours(options.Value.LiveHoursMost + 1),
                Secret = connection.Url,
                OnLine = parameters.Accept,
            },
            connection.Held);
        var buffer = new byte[BufferBytes];
        if (await FirstAsync(puller, buffer, connection) is not (> 0 and var bytes))
        {
            return (connection.Held.IsCancellationRequested ? GenerationEnd.SessionOver : connection.Stop.IsCancellationRequested ? GenerationEnd.Stopped : GenerationEnd.NoInput, "");
        }

        var begun = time.GetTimestamp();
        var end = await RunAsync(connection, puller, parameters, buffer, bytes);
        metrics.GenerationEnded(end.Why);
        Log.Ended(logger, connection.Generation.Session.StreamId, connection.Generation.Connection, end.Why, time.GetElapsedTime(begun).TotalSeconds, end.Detail);
        return end;
    }

    /// <returns>The number of the first bytes; 0 where there are none.</returns>
    private async Task<int> FirstAsync(FfmpegPipe puller, byte[] buffer, InputConnection connection)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.Stop, connection.Held);
        patience.CancelAfter(connection.Patience);
        try
        {
            var read = await puller.Output.ReadAsync(buffer, patience.Token);
            if (read == 0)
            {
                var (code, messages) = await puller.ExitAsync(patience.Token);
                Log.NoInput(logger, connection.Generation.Session.StreamId, code, messages);
            }

            return read;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }

    private async Task<(GenerationEnd Why, string Detail)> RunAsync(InputConnection connection, FfmpegPipe puller, ParameterWatch parameters, byte[] buffer, int first)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(connection.Stop, connection.Held); // ends the input
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(connection.Held); // ends the encoder as well
        EncoderQueue queue = new(time);
        InputGauge gauge = new(time);
        EncoderProgress progress = new(time);
        using InputRecorder recorder = new(connection.Generation, objects, segments, time, connection.Held);

        var reading = ReadAsync(connection, puller, buffer, first, queue, gauge, recorder, ending.Token);
        var encoding = encoder.RunAsync(connection, queue, progress, giveUp.Token);
        (GenerationEnd Why, string Detail) end;
        try
        {
            end = await WatchAsync(connection, reading, encoding, recorder.Keeping, parameters, queue, gauge, progress);
        }
        finally
        {
            await ending.CancelAsync();
        }

        // What the encoder has is still made segments, unless it is the encoder that does not keep up.
        giveUp.CancelAfter(end.Why is GenerationEnd.Overrun or GenerationEnd.OutputStalled ? TimeSpan.Zero : _flushWithin);
        try
        {
            await reading;
            await encoding;
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidDataException or InputRefusedException or MediaFailureException)
        {
            // The end's reason is known already, or it is this one's.
        }

        using var keep = CancellationTokenSource.CreateLinkedTokenSource(connection.Held);
        keep.CancelAfter(_flushWithin);
        await recorder.CompleteAsync(keep.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (end.Why is not (GenerationEnd.InputEnded or GenerationEnd.InputStalled))
        {
            connection.Seen(); // it was there until nobody looked: that time is not the broadcaster's
        }

        return end;
    }

    private static async Task ReadAsync(
        InputConnection connection, FfmpegPipe puller, byte[] buffer, int first, EncoderQueue queue, InputGauge gauge, InputRecorder recorder, CancellationToken ending)
    {
        try
        {
            for (var read = first; read > 0; read = await puller.Output.ReadAsync(buffer, ending))
            {
                connection.Seen();
                gauge.Add(read);
                queue.Add(buffer[..read]);
                gauge.IsHeld = true;
                await recorder.WriteAsync(buffer.AsMemory(0, read), ending);
                gauge.IsHeld = false;
            }
        }
        catch (OperationCanceledException)
        {
            // Ended from here; why is known.
        }
        finally
        {
            queue.Complete();
        }
    }

    /// <summary>Returns with the first thing that ends the connection.</summary>
    private async Task<(GenerationEnd Why, string Detail)> WatchAsync(
        InputConnection connection, Task reading, Task<bool> encoding, Task keeping, ParameterWatch parameters, EncoderQueue queue, InputGauge gauge, EncoderProgress progress)
    {
        using PeriodicTimer timer = new(_watch, time);
        while (true)
        {
            if (connection.Held.IsCancellationRequested)
                return (GenerationEnd.SessionOver, "");
            if (connection.Stop.IsCancellationRequested)
                return (GenerationEnd.Stopped, "");
            if (keeping is { IsFaulted: true, Exception: var refusal })
                return (GenerationEnd.StoreRefused, refusal.GetBaseException().Message);
            if (encoding.IsCompleted)
                return await EndOfAsync(encoding);
            if (reading.IsCompleted)
                return (GenerationEnd.InputEnded, "");
            if (gauge.SinceLast > _stalledAfter)
                return gauge.IsHeld ? (GenerationEnd.StoreBehind, "") : (GenerationEnd.InputStalled, "");
            if (parameters.HasChanged)
                return (GenerationEnd.InputChanged, "");
            if (gauge.IsTooFast)
                return (GenerationEnd.InputTooFast, "The input has more than the 50 Mbit/s that are accepted.");
            if (queue.IsOverrun)
                return (GenerationEnd.Overrun, "the encoder fell behind real time");
            if (progress.SinceLast > _fruitlessAfter)
                return (GenerationEnd.OutputStalled, "");
            await Task.WhenAny(timer.WaitForNextTickAsync(CancellationToken.None).AsTask(), reading, encoding);
        }
    }

    private static async Task<(GenerationEnd Why, string Detail)> EndOfAsync(Task<bool> encoding)
    {
        try
        {
            return (await encoding ? GenerationEnd.InputEnded : GenerationEnd.SessionOver, "");
        }
        catch (InputRefusedException refused)
        {
            return (GenerationEnd.InputRefused, refused.Message);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or MediaFailureException)
        {
            return (GenerationEnd.EncoderFailed, failure.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: connection {Connection} ended, {End}, after {Seconds:0.0} s. {Detail}")]
        public static partial void Ended(ILogger logger, string streamId, int connection, GenerationEnd end, double seconds, string detail);

        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: the input cannot be had ({Code}): {Messages}")]
        public static partial void NoInput(ILogger logger, string streamId, int code, string messages);
    }
}
