using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>What was listed, as a player puts it together: the init of a generation's track and its segments, in one file.</summary>
internal static class LiveFiles
{
    public static async Task<string> JoinAsync(this TestStore store, string id, int generation, string track)
    {
        var ct = TestContext.Current.CancellationToken;
        var path = Path.Combine(Sources.NewFolder("live"), $"{track}.mp4");
        var init = await store.ScalarAsync<string>("select init_key from live_tracks where stream_id = $1 and generation = $2 and track = $3", ct, id, generation, track);
        await using FileStream file = new(path, FileMode.Create);
        foreach (var key in (string[])[init, .. (await store.SegmentsAsync(id)).Where(each => each.Generation == generation && each.Track == track).Select(each => each.Key)])
        {
            Assert.True(await store.Get<ObjectStore>().CopyToAsync(key, file, ct), key);
        }

        return path;
    }

    /// <summary>Decodes all of it: any warning fails.</summary>
    /// <returns>Packets of its only stream.</returns>
    public static async Task<int> DecodeAsync(string path)
    {
        await Tool.CheckedAsync("ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "warning", "-xerror", "-i", path, "-f", "null", "-");
        return (await Tool.ProbeAsync(path, "0", "packet=pts")).Count;
    }

    public static async Task<double> SecondsAsync(string path) =>
        double.Parse((await Tool.ProbeAsync(["-i", path], "v:0", "format=duration")).Single(line => line.Length > 0), System.Globalization.CultureInfo.InvariantCulture);
}
