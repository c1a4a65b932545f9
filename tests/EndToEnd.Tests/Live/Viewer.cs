using System.Net;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>What a player would have begun to show, had it come at this moment.</summary>
/// <param name="At">Milliseconds since 1970 when it had the segment.</param>
internal sealed record Joined(long At, ListedSegment Segment);

/// <summary>
/// Watches a live stream: asks for every track's playlist twice a second, through the gateway and so from all replicas in turn, and loads
/// what is new. Fails as soon as one answer does not go with those before it.
/// </summary>
internal sealed class Viewer(Platform platform, OnAir stream) : IAsyncDisposable
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _leave = new();
    private readonly Dictionary<string, List<(ListedSegment Segment, byte[] Content)>> _tracks = [];
    private readonly Dictionary<Uri, byte[]> _maps = [];
    private readonly List<Joined> _joined = [];
    private Task _watching = Task.CompletedTask;

    /// <summary>How many discontinuities lie before what was seen last.</summary>
    private volatile int _newest;

    /// <summary>By track, what was seen of the stream from its first segment on.</summary>
    public IReadOnlyDictionary<string, List<(ListedSegment Segment, byte[] Content)>> Tracks => _tracks;

    public IReadOnlyList<Joined> Joined => _joined;

    public int Polls { get; private set; }

    /// <summary>Every track can be played.</summary>
    public bool HasSegments { get; private set; }

    public int Discontinuities => _tracks.Values.Max(track => track[^1].Segment.Discontinuity - track[0].Segment.Discontinuity);

    /// <summary>From when the stream can be played to its last segment.</summary>
    public void Start() => _watching = Task.Run(() => WatchAsync(_leave.Token));

    /// <summary>Waits for the end of the playlists; throws what was wrong with them.</summary>
    public Task EndAsync(TimeSpan within) => _watching.WaitAsync(within);

    /// <summary>Waits for what follows a discontinuity.</summary>
    public Task GoesOnAsync(TimeSpan within) => Poll.UntilAsync(
        async () =>
        {
            if (_watching.IsCompleted)
            {
                await _watching;
                Assert.Fail("The stream has ended.");
            }

            return _newest;
        }, newest => newest > 0, within, "segments after a discontinuity");

    /// <summary>A file with all of a track's segments of one generation.</summary>
    public async Task<string> FileAsync(string track, int discontinuity)
    {
        var parts = _tracks[track].Where(part => part.Segment.Discontinuity == discontinuity).ToList();
        var path = Path.Combine(Sources.NewFolder("watched"), $"{track}.mp4");
        await File.WriteAllBytesAsync(path, [.. _maps[parts[0].Segment.Map], .. parts.SelectMany(part => part.Content)]);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await _leave.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _leave.Dispose();
    }

    private async Task WatchAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(_between, TimeProvider.System);
        while (!ct.IsCancellationRequested)
        {
            if (_tracks.Count == 0)
            {
                await OpenAsync(ct);
            }

            var ended = _tracks.Count > 0;
            foreach (var track in _tracks.Keys)
            {
                ended &= await PollAsync(track, ct);
            }

            HasSegments = _tracks.Count > 0 && _tracks.Values.All(track => track.Count > 0);
            if (ended)
            {
                return;
            }

            await timer.WaitForNextTickAsync(ct);
        }
    }

    private async Task OpenAsync(CancellationToken ct)
    {
        using var answer = await platform.Http.GetAsync(stream.Manifest, ct);
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            return; // nothing to play yet
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        foreach (var line in (await answer.Content.ReadAsStringAsync(ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("#EXT-X-MEDIA:", StringComparison.Ordinal) || !line.StartsWith('#'))
            {
                _tracks.Add((line.StartsWith('#') ? line.Split("URI=\"")[1].Split('"')[0] : line).Split('/')[^1], []);
            }
        }
    }

    /// <returns>True where the playlist has ended.</returns>
    private async Task<bool> PollAsync(string track, CancellationToken ct)
    {
        Uri address = new(stream.Manifest, $"manifest/{track}");
        using var answer = await platform.Http.GetAsync(address, ct);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{address}: {answer.StatusCode}");
        var playlist = LivePlaylist.Parse(address, await answer.Content.ReadAsStringAsync(ct));
        Polls++;
        var seen = _tracks[track];
        if (seen.Count > 0)
        {
            var (newest, oldest) = (seen[^1].Segment, seen[0].Segment);
            Assert.True(playlist.Segments[^1].Sequence >= newest.Sequence, $"{address} goes back from {newest.Sequence} to {playlist.Segments[^1].Sequence}");
            Assert.True(playlist.Segments[0].Sequence <= newest.Sequence + 1, $"{address} leaves out what follows {newest.Sequence}");
            Assert.All(playlist.Segments.Where(listed => listed.Sequence >= oldest.Sequence && listed.Sequence <= newest.Sequence), listed => Assert.Equal(seen[(int)(listed.Sequence - oldest.Sequence)].Segment, listed));
        }

        foreach (var segment in playlist.Segments.Where(listed => seen.Count == 0 || listed.Sequence > seen[^1].Segment.Sequence))
        {
            Assert.InRange(segment.Seconds, 0.01, playlist.TargetSeconds + 0.5);
            if (!_maps.ContainsKey(segment.Map))
            {
                _maps.Add(segment.Map, await LoadAsync(segment.Map, ct));
            }

            seen.Add((segment, await LoadAsync(segment.Address, ct)));
            _newest = segment.Discontinuity;
        }

        if (track == "240p" && !playlist.HasEnded && playlist.AtHoldBack() is { } first)
        {
            _joined.Add(new(SenderClock.Now(), first));
        }

        return playlist.HasEnded;
    }

    /// <summary>A playlist is a promise: whatever it lists is there, from every replica.</summary>
    private async Task<byte[]> LoadAsync(Uri address, CancellationToken ct)
    {
        using var answer = await platform.Http.GetAsync(address, ct);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{address}: {answer.StatusCode}");
        return await answer.Content.ReadAsByteArrayAsync(ct);
    }
}
