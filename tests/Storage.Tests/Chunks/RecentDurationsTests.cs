using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class RecentDurationsTests
{
    private readonly RecentDurations _recent = new();

    [Fact]
    public void Few_reads_say_nothing()
    {
        Add(19, 1);

        Assert.Equal(TimeSpan.FromMilliseconds(150), _recent.HedgeAfter());
    }

    [Fact]
    public void The_hedge_comes_where_one_read_of_twenty_is_slower()
    {
        Add(90, 30);
        Add(10, 90);

        Assert.Equal(TimeSpan.FromMilliseconds(90), _recent.HedgeAfter());
    }

    [Fact]
    public void It_stays_within_20_and_500_milliseconds_and_forgets_what_is_old()
    {
        Add(200, 1);
        Assert.Equal(TimeSpan.FromMilliseconds(20), _recent.HedgeAfter());

        Add(128, 60_000);
        Assert.Equal(TimeSpan.FromMilliseconds(500), _recent.HedgeAfter());
    }

    [Fact]
    public void Of_the_cancelled_only_the_slow_count()
    {
        Add(20, 100);
        for (var i = 0; i < 200; i++)
        {
            _recent.AddCutShort(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(TimeSpan.FromMilliseconds(100), _recent.HedgeAfter());

        _recent.AddCutShort(TimeSpan.FromMilliseconds(300));
        _recent.AddCutShort(TimeSpan.FromMilliseconds(300));
        Assert.Equal(TimeSpan.FromMilliseconds(300), _recent.HedgeAfter());
    }

    private void Add(int times, int milliseconds)
    {
        for (var i = 0; i < times; i++)
        {
            _recent.Add(TimeSpan.FromMilliseconds(milliseconds));
        }
    }
}
