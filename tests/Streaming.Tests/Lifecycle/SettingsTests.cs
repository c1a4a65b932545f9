using Microsoft.Extensions.Options;
using Streaming.Tests.Platform;

namespace Streaming.Tests.Lifecycle;

public sealed class SettingsTests(Stack stack) : IClassFixture<Stack>
{
    [Theory]
    [InlineData("Streaming:MemoryBytes=0")]
    [InlineData("Streaming:DiskBytes=-1")]
    [InlineData("Streaming:Videos=0")]
    [InlineData("Streaming:RecheckSeconds=60")]
    public async Task A_setting_out_of_bounds_stops_the_start_and_names_them(string setting)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => stack.StartReplicaAsync(setting));
        Assert.Contains($"Options.{setting.Split(':', '=')[1]} must be between", refused.Message, StringComparison.Ordinal);
    }
}
