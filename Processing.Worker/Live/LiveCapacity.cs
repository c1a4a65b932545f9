using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;
using Processing.Worker.Pool;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>
/// What a slot of this machine encodes for a live stream: measured once, behind all other work, by the processor's time that a short clip takes with the
/// live settings. Others on the machine do not change that time much, so it need not wait for an idle one; only for this worker's own slots.
/// </summary>
public sealed partial class LiveCapacity(FfmpegRunner ffmpeg, PoolSlots slots, ScratchSpace scratch, IOptions<WorkerOptions> options, TimeProvider time, ILogger<LiveCapacity> logger) : BackgroundService
{
    private const int Lowest = 19;
    private const int ClipSeconds = 4;

    private static readonly TimeSpan _quietFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _again = TimeSpan.FromMinutes(1);

    private long _measured = options.Value.LivePixelsPerSecond;

    /// <summary>Null: not measured yet.</summary>
    public long? PixelsPerSecond => Volatile.Read(ref _measured) is > 0 and var measured ? measured : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (PixelsPerSecond is null)
        {
            await QuietAsync(stoppingToken);
            try
            {
                Volatile.Write(ref _measured, await MeasureAsync(stoppingToken));
                Log.Measured(logger, _measured / 1e6);
            }
            catch (Exception exception) when (exception is MediaFailureException or IOException)
            {
                Log.NotMeasured(logger, exception.Message);
                await Task.Delay(_again, time, stoppingToken);
            }
        }
    }

    /// <summary>A clip of moving detail, decoded and made 480p and 240p as a live stream is.</summary>
    internal async Task<long> MeasureAsync(CancellationToken ct)
    {
        var folder = FfmpegRunner.CreateWorkDir(scratch.Root);
        try
        {
            await RunAsync(folder, ["-f", "lavfi", "-i", $"testsrc2=s=1280x720:r=30:d={ClipSeconds},noise=alls=8:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-f", "mpegts", "clip.ts"], ct);
            var video = new ProbeStream { Index = 0, CodecType = "video", CodecName = "h264", Width = 1280, Height = 720, PixFmt = "yuv420p", BaseFrameRate = "30/1" };
            var plan = LivePlan.Of(new(null, [video]), null);
            var arguments = LiveArguments.Encoder(plan, options.Value.LivePreset).ToList();
            arguments[arguments.IndexOf("pipe:0")] = "file:clip.ts";
            arguments[arguments.IndexOf("pipe")] = "file";
            arguments[^1] = "file:out.mp4";
            arguments[arguments.IndexOf("error")] = "info"; // the times are told at this level only
            var messages = await RunAsync(folder, ["-benchmark", .. arguments], ct);
            if (Times().Match(messages) is not { Success: true } times)
            {
                throw new IOException("ffmpeg did not tell its times.");
            }

            var seconds = double.Parse(times.Groups["user"].Value, CultureInfo.InvariantCulture) + double.Parse(times.Groups["system"].Value, CultureInfo.InvariantCulture);
            return (long)(LivePlan.Load(plan.Picture, plan.Rate, plan.Renditions) * ClipSeconds / Math.Max(seconds, 0.01));
        }
        finally
        {
            scratch.Remove(folder);
        }
    }

    private Task<string> RunAsync(string folder, IReadOnlyList<string> arguments, CancellationToken ct) => ffmpeg.RunAsync(
        new FfmpegCommand { Tool = "ffmpeg", Arguments = ["-nostdin", "-y", .. arguments], WorkDir = folder, StallTimeout = _within, TotalTimeout = _within, Niceness = Lowest }, ct);

    /// <summary>Until no slot of this worker was held for a while.</summary>
    private async Task QuietAsync(CancellationToken ct)
    {
        for (var quiet = TimeSpan.Zero; quiet < _quietFor; quiet = slots.Busy == 0 ? quiet + TimeSpan.FromSeconds(1) : TimeSpan.Zero)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, ct);
        }
    }

    [GeneratedRegex(@"bench: utime=(?<user>[\d.]+)s stime=(?<system>[\d.]+)s", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Times();

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "A slot encodes {MegaPixels:0.0} million pixels a second for live streams")]
        public static partial void Measured(ILogger logger, double megaPixels);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The capacity for live streams could not be measured: {Reason}")]
        public static partial void NotMeasured(ILogger logger, string reason);
    }
}
