using Streaming.Api.Segments;

namespace Streaming.Tests.Caching;

public sealed class ScanResistantCacheTests
{
    private readonly List<string> _gaveWay = [];

    [Fact]
    public void The_weight_never_exceeds_the_capacity()
    {
        var cache = Make(1000);
        Random random = new(3);
        for (var i = 0; i < 20_000; i++)
        {
            var key = random.Next(300).ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (!cache.TryGet(key, out _))
            {
                cache.TryAdd(key, key, random.Next(1, 120));
            }

            if (i % 17 == 0)
            {
                cache.Remove(key);
            }

            Assert.InRange(cache.Weight, 0, 1000);
        }
    }

    [Fact]
    public void One_pass_over_cold_keys_does_not_flush_the_hot_ones()
    {
        var cache = Make(100);
        string[] hot = [.. Enumerable.Range(0, 50).Select(i => $"hot{i}")];
        foreach (var key in hot)
        {
            cache.TryAdd(key, key, 1);
            Assert.True(cache.TryGet(key, out _));
        }

        for (var i = 0; i < 10_000; i++)
        {
            cache.TryAdd($"cold{i}", "", 1);
        }

        Assert.All(hot, key => Assert.True(cache.TryGet(key, out _), key));
    }

    [Fact]
    public void A_key_that_comes_back_soon_after_it_left_is_kept()
    {
        var cache = Make(10);
        cache.TryAdd("back", "", 1);
        for (var i = 0; i < 20; i++)
        {
            cache.TryAdd($"a{i}", "", 1);
        }

        Assert.False(cache.TryGet("back", out _));
        cache.TryAdd("back", "", 1);
        for (var i = 0; i < 20; i++)
        {
            cache.TryAdd($"b{i}", "", 1);
        }

        Assert.True(cache.TryGet("back", out _));
    }

    [Fact]
    public void Every_value_that_leaves_is_told_of_once()
    {
        var cache = Make(10);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(cache.TryAdd($"{i}", "", 1));
        }

        Assert.Equal(90, _gaveWay.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(90, _gaveWay.Count);
    }

    [Fact]
    public void A_value_heavier_than_the_cache_is_refused()
    {
        var cache = Make(10);
        Assert.False(cache.TryAdd("heavy", "", 11));
        Assert.True(cache.TryAdd("exact", "", 10));
        Assert.False(cache.TryAdd("exact", "", 1));
    }

    private ScanResistantCache<string> Make(long capacity) => new(capacity, (key, _, gaveWay) =>
    {
        if (gaveWay)
        {
            _gaveWay.Add(key);
        }
    });
}
