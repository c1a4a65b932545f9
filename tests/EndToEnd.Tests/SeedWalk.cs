using System.Diagnostics;
using System.Text.Json;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 004's "Complete Workflow Example (cURL)", in bash: its commands as they stand there but for host and port, with a loop over all parts.</summary>
public sealed class SeedWalk(Platform platform)
{
    private const long LargeBytes = 1_073_741_824;

    private const int PartBytes = 5_242_880;

    private const string Script =
        """
        set -euo pipefail
        # Register
        curl -X POST http://localhost:8080/api/v1/auth/register \
          -H "Content-Type: application/json" \
          -d '{"email":"user@example.com","password":"password123"}'

        # Login
        TOKEN=$(curl -X POST http://localhost:8080/api/v1/auth/login \
          -H "Content-Type: application/json" \
          -d '{"email":"user@example.com","password":"password123"}' \
          | jq -r '.token')

        # Small file - standard upload
        curl -X POST http://localhost:8080/api/v1/videos/upload \
          -H "Authorization: Bearer $TOKEN" \
          -F "video=@video.mp4"

        # Large file - multipart upload
        UPLOAD_ID=$(curl -X POST http://localhost:8080/api/v1/uploads/initiate \
          -H "Authorization: Bearer $TOKEN" \
          -H "Content-Type: application/json" \
          -d '{"filename":"large.mp4","total_size":1073741824}' \
          | jq -r '.id')

        # Upload parts
        for n in $(seq 1 205); do
        curl -X PUT "http://localhost:8080/api/v1/uploads/$UPLOAD_ID/parts/$n" \
          -H "Authorization: Bearer $TOKEN" \
          -H "Content-Type: application/octet-stream" \
          --data-binary @part$n.bin
        done

        # Complete upload
        VIDEO_ID=$(curl -X POST "http://localhost:8080/api/v1/uploads/$UPLOAD_ID/complete" \
          -H "Authorization: Bearer $TOKEN" \
          | jq -r '.id')

        JOB_ID=$(curl -X POST "http://localhost:8080/api/v1/videos/$VIDEO_ID/transcode" \
          -H "Authorization: Bearer $TOKEN" \
          -H "Content-Type: application/json" \
          -d '{
            "resolution": "1080p",
            "output_format": "mp4",
            "codec": "libx264",
            "bitrate": 5000000,
            "priority": 10
          }' \
          | jq -r '.id')

        curl -X POST http://localhost:8080/api/v1/webhooks \
          -H "Authorization: Bearer $TOKEN" \
          -H "Content-Type: application/json" \
          -d '{
            "url": "https://your-app.com/webhooks",
            "events": {
              "job_started": true,
              "job_completed": true,
              "job_failed": true
            },
            "secret": "your-secret"
          }'

        # Check job status
        curl "http://localhost:8080/api/v1/jobs/$JOB_ID" \
          -H "Authorization: Bearer $TOKEN"

        # Check system metrics
        curl http://localhost:8080/api/v1/metrics \
          -H "Authorization: Bearer $TOKEN"

        echo "$TOKEN $VIDEO_ID $JOB_ID" > ids
        """;

    /// <summary>Read every few seconds, so that their values are those of a moment before.</summary>
    private static readonly string[] _metrics =
    [
        "queue_depth", "dlq_depth", "active_jobs", "total_jobs", "completed_jobs", "failed_jobs", "cancelled_jobs", "average_wait_time_seconds", "average_process_time_seconds", "worker_count", "healthy_workers",
    ];

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(4);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_walk_works_as_it_is_written()
    {
        platform.UploadLimit = 2 * LargeBytes;
        await RestartAsync();
        try
        {
            await WalkAsync();
        }
        finally
        {
            platform.UploadLimit = Platform.MaxBytes;
            await RestartAsync();
        }
    }

    private async Task WalkAsync()
    {
        var folder = Sources.NewFolder("walk");
        File.Copy(await Sources.MakeAsync("walk", "mp4", ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8", .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags +faststart".Split(' ')]), Path.Combine(folder, "video.mp4"));
        await WritePartsAsync(folder);
        var answers = await RunAsync(folder);

        // What the commands printed, in their order: registration, video, 205 parts, webhook, job, metrics.
        Assert.Equal(1 + 1 + 205 + 1 + 1 + 1, answers.Count);
        Assert.All((string[])["id", "email", "api_key"], field => Assert.True(answers[0].TryGetProperty(field, out _), field));
        Assert.Equal(("video.mp4", "pending"), (answers[1].GetProperty("filename").GetString(), answers[1].GetProperty("status").GetString()));
        Assert.Equal(Enumerable.Range(1, 205), answers.Skip(2).Take(205).Select(part => part.GetProperty("part_number").GetInt32()));
        Assert.All(answers.Skip(2).Take(205), part => Assert.True(part.GetProperty("uploaded").GetBoolean() && part.GetProperty("etag").GetString()!.Length == 32));
        Assert.True(answers[207].GetProperty("is_active").GetBoolean());
        Assert.False(answers[207].TryGetProperty("secret", out _));
        Assert.Equal(10, answers[208].GetProperty("priority").GetInt32());
        Assert.All(_metrics, field => Assert.Equal(JsonValueKind.Number, answers[209].GetProperty(field).ValueKind));

        var ids = (await File.ReadAllTextAsync(Path.Combine(folder, "ids"), Ct)).Trim().Split(' ');
        Assert.Equal("READY", await platform.EndStateAsync(Guid.Parse(ids[1]), _within, Ct));
        await Poll.UntilAsync(async () =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, $"/api/v1/jobs/{ids[2]}") { Headers = { Authorization = new("Bearer", ids[0]) } };
            using var answer = await platform.Http.SendAsync(request, Ct);
            return (await answer.JsonAsync(Ct)).GetProperty("status").GetString();
        }, status => status == "completed", _within, "the job");
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A real video, filled up to the size that the walk names with a box that players skip (ISO/IEC 14496-12, 8.1.2).</summary>
    private static async Task WritePartsAsync(string folder)
    {
        var video = await File.ReadAllBytesAsync(Path.Combine(folder, "video.mp4"), Ct);
        var filler = (uint)(LargeBytes - video.Length);
        byte[] begin = [.. video, (byte)(filler >> 24), (byte)(filler >> 16), (byte)(filler >> 8), (byte)filler, .. "free"u8];
        for (var part = 0; part * (long)PartBytes < LargeBytes; part++)
        {
            var size = (int)Math.Min(PartBytes, LargeBytes - (part * (long)PartBytes));
            await using var file = File.Create(Path.Combine(folder, $"part{part + 1}.bin"));
            var written = Math.Max(0, Math.Min(size, begin.Length - (part * (long)PartBytes)));
            await file.WriteAsync(begin.AsMemory((int)Math.Min(begin.Length, part * (long)PartBytes), (int)written), Ct);
            file.SetLength(size); // the rest is zeros, and takes no disk here
        }
    }

    private async Task<List<JsonElement>> RunAsync(string folder)
    {
        var gateway = platform.Address("gateway");
        var script = Script.Replace("localhost:8080", $"{gateway.Host}:{gateway.Port}", StringComparison.Ordinal);
        ProcessStartInfo start = new("bash", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var bash = Process.Start(start)!;
        var (output, messages) = (bash.StandardOutput.ReadToEndAsync(Ct), bash.StandardError.ReadToEndAsync(Ct));
        await bash.WaitForExitAsync(Ct);
        Assert.True(bash.ExitCode == 0, $"{await messages}\n{await output}");
        return Documents(System.Text.Encoding.UTF8.GetBytes(await output));
    }

    /// <summary>JSON texts, one behind the other.</summary>
    private static List<JsonElement> Documents(byte[] text)
    {
        List<JsonElement> found = [];
        Utf8JsonReader reader = new(text, new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            found.Add(JsonElement.ParseValue(ref reader));
        }

        return found;
    }

    private async Task RestartAsync()
    {
        foreach (var replica in Platform.UploadReplicas)
        {
            await platform.RestartAsync(replica, Ct);
        }
    }
}
