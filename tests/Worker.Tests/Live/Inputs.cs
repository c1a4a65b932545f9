using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Processing.Worker.Live;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>Where inputs come from: SRT, rtmps, a backup, and one that brings too much.</summary>
public sealed class Inputs(Servers servers) : LiveTest(servers)
{
    [Fact]
    public async Task An_input_is_called_by_SRT_and_shown_from_its_first_frame_to_its_last()
    {
        var port = Ingest.ListenSrt(await LiveSources.PushAsync("25", 12));
        var id = await Store.ProvisionAsync($"srt://127.0.0.1:{port}?mode=caller");
        await using var worker = WorkerProcess.Start(Store);
        await Store.ReadyAsync(id, Patience);
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);
        Assert.Equal([1], (await Store.SegmentsAsync(id)).Select(each => each.Generation).Distinct());
        Assert.InRange(await LiveFiles.DecodeAsync(await Store.JoinAsync(id, 1, "180p")), (12 * 25) - 2, (12 * 25) + 2);
    }

    [Fact]
    public async Task When_the_primary_is_lost_the_backup_goes_on_behind_one_discontinuity()
    {
        var id = await Store.ProvisionAsync(Ingest.UrlOf("primary"), Ingest.UrlOf("backup"));
        await using var worker = WorkerProcess.Start(Store);
        var source = await LiveSources.PushAsync("25", 60);
        var primary = Ingest.Push("primary", source);
        Ingest.Push("backup", source);
        await Store.ReadyAsync(id, Patience);
        await Store.UntilSegmentsAsync(id, 1, 2, Patience);
        var lost = TimeProvider.System.GetTimestamp();
        primary.Kill();
        await Store.UntilSegmentsAsync(id, 2, 1, Patience);
        var listed = TimeProvider.System.GetElapsedTime(lost);
        await Store.UntilSegmentsAsync(id, 2, 3, Patience);

        var segments = (await Store.SegmentsAsync(id)).Where(each => each.Track == "180p").ToList();
        Assert.Equal([1, 2], segments.Select(each => each.Generation).Distinct());
        var (last, next) = (segments.Last(each => each.Generation == 1), segments.First(each => each.Generation == 2));
        Assert.InRange((next.At - last.At).TotalSeconds - last.Duration, 0, 10);
        Assert.InRange(listed.TotalSeconds, 0, 14); // with the segment's own two seconds, and the encoder's start
        Assert.Equal("LIVE", await Store.StreamAsync(id, "status"));
    }

    /// <summary>Encoders that adapt to their network do that; players and the recording must get both.</summary>
    [Fact]
    public async Task A_picture_that_becomes_larger_within_a_connection_goes_on_in_a_generation_of_its_own_and_is_recorded_whole()
    {
        const int Seconds = 10;
        var id = await Store.ProvisionAsync(Ingest.UrlOf("match"));
        await using var worker = WorkerProcess.Start(Store);
        await Ingest.UntilPlayedAsync(Patience);
        Ingest.Push("match", await LiveSources.ChangingAsync(Seconds, "640x360"));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);
        Assert.Contains("ended, InputChanged", worker.Output, StringComparison.Ordinal);
        foreach (var (generation, track) in ((int, string)[])[(1, "180p"), (2, "360p")])
        {
            var frames = await LiveFiles.DecodeAsync(await Store.JoinAsync(id, generation, track));
            Assert.InRange(frames, (Seconds - 3) * 25, (Seconds + 1) * 25); // until it is noticed, and until the next key frame
        }

        var video = Guid.Parse((await Store.StreamAsync(id, "video_id"))!);
        await Poll.UntilAsync(async () => (await Store.QueryAsync("select state from videos where id = $1", row => row.GetString(0), Ct, video)).SingleOrDefault(), state => state is "READY" or "FAILED", TimeSpan.FromMinutes(2), "the recording's video");
        Assert.Equal("READY", await Store.ScalarAsync<string>("select state from videos where id = $1", Ct, video));
    }

    [Fact]
    public async Task An_input_above_the_accepted_bit_rate_is_dropped_and_one_below_goes_on()
    {
        var primary = Ingest.ListenSrt(await LiveSources.TooFastAsync(14));
        Ingest.Push("backup", await LiveSources.PushAsync("25", 60));
        var id = await Store.ProvisionAsync($"srt://127.0.0.1:{primary}?mode=caller", Ingest.UrlOf("backup"));
        await using var worker = WorkerProcess.Start(Store);
        await Poll.UntilAsync(() => Task.FromResult(worker.Output.Contains("ended, InputTooFast", StringComparison.Ordinal)), Patience, "the end of the input that is too fast");
        await Poll.UntilAsync(() => Store.SessionAsync(id, "input_error"), error => error?.Contains("50 Mbit/s", StringComparison.Ordinal) == true, Patience, "the owner to be told");
        await Poll.UntilAsync(async () => (await Store.SegmentsAsync(id)).Count(each => each.Track == "180p") >= 3, Patience, "the backup's segments");
        Assert.Null(await Store.SessionAsync(id, "input_error"));
        Assert.InRange(worker.PeakMebibytes, 1, 500);
    }

    [Fact]
    public async Task A_certificate_is_verified_by_its_authority_and_its_name()
    {
        using var key = RSA.Create(2048);
        CertificateRequest authority = new("CN=Test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var root = authority.CreateSelfSigned(from, to);
        var trusted = Path.Combine(Sources.NewFolder("trust"), "authority.pem");
        await File.WriteAllTextAsync(trusted, root.ExportCertificatePem(), Ct);

        await using var named = Gate.Before(Ingest.Port, Issue(root, from, to, IPAddress.Loopback));
        await using var other = Gate.Before(Ingest.Port, Issue(root, from, to, IPAddress.Parse("192.0.2.1")));
        var source = await LiveSources.PushAsync("25", 7);
        Ingest.Push("match", source);
        Assert.Contains("certificate", await RefusalAsync(named, ""), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("certificate", await RefusalAsync(other, trusted), StringComparison.OrdinalIgnoreCase);
        var (pulled, messages) = await Tool.RunAsync("ffmpeg", LiveArguments.Puller(UrlOf(named), trusted));
        Assert.True(pulled.Length > 10_000, messages);
    }

    private static async Task<string> RefusalAsync(Gate gate, string trusted)
    {
        var (pulled, messages) = await Tool.RunAsync("ffmpeg", LiveArguments.Puller(UrlOf(gate), trusted));
        Assert.Empty(pulled);
        return messages;
    }

    private static string UrlOf(Gate gate) => string.Create(CultureInfo.InvariantCulture, $"rtmps://127.0.0.1:{gate.Port}/live/match");

    private static X509Certificate2 Issue(X509Certificate2 authority, DateTimeOffset from, DateTimeOffset to, IPAddress name)
    {
        using var key = RSA.Create(2048);
        CertificateRequest request = new("CN=Ingest", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(name);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(authority, from, to, [1, 2, 3]);
        return issued.CopyWithPrivateKey(key);
    }
}
