using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>From a connection's bytes to listed segments: looks what it is, starts an encoder for it, cuts what that makes, publishes each finished set.</summary>
internal sealed partial class LiveEncoder(
    FfmpegRunner ffmpeg, InputProbe probe, SegmentPublisher publisher, LiveCapacity capacity, IOptions<WorkerOptions> options, TimeProvider time, ILogger<LiveEncoder> logger)
{
    /// <summary>Sets that wait for the store: beyond it the encoder is held, and the generation soon given up.</summary>
    private const int MostWaiting = 6;

    /// <returns>True at the input's end, with everything published; false where the session is over.</returns>
    /// <exception cref="InputRefusedException">Nothing that could be encoded.</exception>
    /// <exception cref="IOException">The encoder failed.</exception>
    /// <exception cref="InvalidDataException">The encoder wrote what it was not told to.</exception>
    public async Task<bool> RunAsync(InputConnection connection, EncoderQueue input, EncoderProgress progress, CancellationToken ct)
    {
        var firstAt = time.GetTimestamp();
        if (await publisher.OriginAsync(connection.Generation, firstAt, ct) is not { } origin)
            return false;
        var work = FfmpegRunner.CreateWorkDir(connection.Folder);
        List<byte[]> read = [];
        var plan = LivePlan.Of(await probe.ProbeAsync(input, read, work, ct), capacity.PixelsPerSecond);
        Log.Planned(logger, connection.Generation.Session.StreamId, plan.Picture.Width, plan.Picture.Height, plan.Rate.PerSecond, plan.HasAudio, string.Join(' ', plan.Renditions.Select(each => each.Name)));

        await using var process = await ffmpeg.StartAsync(
            new FfmpegPipeCommand
            {
                Arguments = LiveArguments.Encoder(plan, options.Value.LivePreset),
                WorkDir = work,
                AtMost = TimeSpan.FromHours(options.Value.LiveHoursMost + 1),
            },
            ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var sets = Channel.CreateBounded<IReadOnlyList<CutSegment>>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
        Task[] running = [FeedAsync(process, read, input, stop.Token), CutAsync(process, plan, origin, sets.Writer, progress, stop.Token)];
        try
        {
            return await PublishAsync(connection.Generation, plan, origin, sets.Reader, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // what the cutter threw came through the channel
        }
    }

    /// <summary>A closed pipe is the encoder's end: the one who reads its output says why.</summary>
    private static async Task FeedAsync(FfmpegPipe process, List<byte[]> read, EncoderQueue input, CancellationToken ct)
    {
        try
        {
            foreach (var bytes in read)
                await process.Input.WriteAsync(bytes, ct);
            read.Clear();
            while (await input.NextAsync(ct) is { } bytes)
            {
                await process.Input.WriteAsync(bytes, ct);
                await process.Input.FlushAsync(ct);
            }

            process.Input.Close();
        }
        catch (IOException)
        {
            // See above.
        }
    }

    private static async Task CutAsync(FfmpegPipe process, LivePlan plan, GenerationOrigin origin, ChannelWriter<IReadOnlyList<CutSegment>> sets, EncoderProgress progress, CancellationToken ct)
    {
        try
        {
            LiveFragments output = new(process.Output);
            if (await output.ReadInitsAsync(ct) is { } inits)
            {
                if (inits.Count != plan.Renditions.Count + 1)
                    throw new InvalidDataException($"The encoder made {inits.Count} tracks.");
                SegmentCutter cutter = new(inits, plan.Rate, origin);
                while (await output.ReadAsync(ct) is var (track, samples))
                {
                    cutter.Add(track, samples);
                    while (cutter.Take() is { } set)
                    {
                        await sets.WriteAsync(set, ct);
                        progress.Made();
                    }
                }

                if (cutter.TakeRest() is { } rest)
                    await sets.WriteAsync(rest, ct);
            }

            var (code, messages) = await process.ExitAsync(ct);
            sets.Complete(code == 0 ? null : new IOException($"The encoder ended with code {code}. {messages}"));
        }
        catch (Exception exception)
        {
            sets.Complete(exception is IndexOutOfRangeException or ArgumentOutOfRangeException or OverflowException ? new InvalidDataException("The encoder's output cannot be read.", exception) : exception);
        }
    }

    private async Task<bool> PublishAsync(Generation generation, LivePlan plan, GenerationOrigin origin, ChannelReader<IReadOnlyList<CutSegment>> sets, CancellationToken ct)
    {
        var index = 0;
        await foreach (var set in sets.ReadAllAsync(ct))
        {
            if (!await publisher.PublishAsync(generation, plan, origin, set, index++, ct))
                return false;
        }

        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: {Width}x{Height} at {Rate:0.###} pictures a second, sound {HasAudio}, becomes {Ladder}")]
        public static partial void Planned(ILogger logger, string streamId, int width, int height, double rate, bool hasAudio, string ladder);
    }
}
