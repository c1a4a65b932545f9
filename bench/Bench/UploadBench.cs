using System.Diagnostics;
using System.Security.Cryptography;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.DependencyInjection;

namespace Bench;

/// <summary>A large file through the gateway against the same file put straight into the same S3 server, and Upload.Api's memory meanwhile.</summary>
internal static class UploadBench
{
    /// <summary>As Upload.Api does it: parts of 8 MiB, two on their way.</summary>
    private const int PartBytes = 8 << 20;

    private const int InFlight = 2;

    private static readonly string[] _replicas = ["upload-api-1", "upload-api-2"];

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var bytes = session.Quick ? 64L << 20 : 1L << 30;
        var small = await FileAsync(session, "small", 32 << 20, ct);
        var large = await FileAsync(session, "large", bytes, ct);
        var platform = await session.StartAsync(new(), ct);
        await platform.StopAsync("processing-worker", ct); // a gigabyte that is no video would be fetched and probed while the next one is measured
        var objects = (await platform.JoinAsync(ct)).GetRequiredService<ObjectStore>();
        foreach (var _ in _replicas)
        {
            await platform.UploadAsync(small, ct);
            await PutAsync(objects, small, ct);
        }

        var memory = MemoryWatch.Start([.. _replicas.Select(platform.Pid)], ct);
        List<double> uploads = [], puts = [];
        while (session.Another(uploads.Count, session.Quick ? 2 : 3))
        {
            var started = Stopwatch.GetTimestamp();
            await platform.UploadAsync(large, ct);
            uploads.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            started = Stopwatch.GetTimestamp();
            await PutAsync(objects, large, ct);
            puts.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            Session.Print($"pair {uploads.Count}: upload {uploads[^1]:0.0} s, S3 {puts[^1]:0.0} s");
        }

        var growth = await memory.StopAsync();
        Session.Print($"{bytes >> 20} MiB; MiB/s, min / median / max");
        Session.Print($"  POST /upload through the gateway   {new Figures(uploads.Select(seconds => bytes / seconds / (1 << 20))).Text("0")}");
        Session.Print($"  multipart PUT straight to S3       {new Figures(puts.Select(seconds => bytes / seconds / (1 << 20))).Text("0")}");
        Session.Print($"Upload.Api's memory: {string.Join(", ", growth.Select(each => $"{each.Before >> 20} MiB before, at most {each.Peak >> 20} (+{(each.Peak - each.Before) >> 20})"))}; aim below +64 MiB");
        return new Figures(puts.Zip(uploads, (put, upload) => put / upload)).Median;
    }

    /// <summary>Random bytes: nothing on the way can be clever about them.</summary>
    private static async Task<string> FileAsync(Session session, string name, long bytes, CancellationToken ct)
    {
        var path = Path.Combine(session.Scratch, name);
        var block = RandomNumberGenerator.GetBytes(1 << 20);
        await using var file = File.Create(path);
        for (var written = 0L; written < bytes; written += block.Length)
        {
            BitConverter.TryWriteBytes(block, written); // no two blocks alike
            await file.WriteAsync(block, ct);
        }

        return path;
    }

    private static async Task PutAsync(ObjectStore objects, string path, CancellationToken ct)
    {
        var key = $"bench/{Guid.NewGuid():N}";
        var upload = await objects.BeginUploadAsync(key, ct);
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        var parts = new UploadedPart[(int)((length + PartBytes - 1) / PartBytes)];
        await Parallel.ForAsync(0, parts.Length, new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = ct }, async (i, token) =>
        {
            var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(PartBytes, length - ((long)i * PartBytes)));
            await RandomAccess.ReadAsync(file, buffer, (long)i * PartBytes, token);
            parts[i] = await objects.PutPartAsync(key, upload, i + 1, buffer, buffer.Length, token);
        });
        await objects.CompleteUploadAsync(key, upload, parts, ct);
        await objects.DeleteAsync([key], ct);
    }
}
