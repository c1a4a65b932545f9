using System.Net;
using System.Net.Sockets;
using Testing;
using Upload.Api.Webhooks;
using Xunit;

namespace Lifecycle.Tests.Webhooks;

/// <summary>Where a webhook may lead.</summary>
public sealed class WebhookTargetTests(Servers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.255")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.8")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("100::1")]
    public void An_address_that_is_not_public_is_refused(string address) => Assert.False(WebhookTargets.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("11.0.0.1")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.1")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("169.253.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("64:ff9b::101:101")]
    [InlineData("2606:4700::1111")]
    [InlineData("2a00:1450::1")]
    public void A_public_address_is_not(string address) => Assert.True(WebhookTargets.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("http://127.0.0.1:{port}/")]
    [InlineData("http://localhost:{port}/")]
    [InlineData("http://[::1]:{port}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{port}/")]
    [InlineData("http://2130706433:{port}/")]
    [InlineData("http://0x7f.1:{port}/")]
    [InlineData("http://0:{port}/")]
    [InlineData("https://localhost:{port}/")]
    public async Task A_url_that_leads_to_this_machine_is_refused_and_nothing_connects(string url)
    {
        await using var store = await servers.CreateStoreAsync(Ct);
        await using var host = await WebhookHost.StartAsync(store, Ct, ("webhooks:allowPrivateTargets", "false"), ("webhooks:maxRetries", "1"));
        using TcpListener listener = new(IPAddress.IPv6Any, 0) { Server = { DualMode = true } };
        listener.Start();
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(url.Replace("{port}", $"{((IPEndPoint)listener.LocalEndpoint).Port}", StringComparison.Ordinal), Ct, "video_uploaded");
        await store.UploadAsync(account.Id, Ct);
        var delivery = await account.EndedAsync(webhook, "failed", Ct);
        Assert.Equal(["The host has an address that is not public.", "The host has an address that is not public."], delivery.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("error").GetString()));
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_host_that_is_allowed_by_name_is_reached()
    {
        await using var store = await servers.CreateStoreAsync(Ct);
        await using var host = await WebhookHost.StartAsync(store, Ct, ("webhooks:allowPrivateTargets", "false"), ("webhooks:allowedHosts:0", "LOCALHOST"));
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync($"http://localhost:{receiver.Port}/", Ct, "video_uploaded");
        await store.UploadAsync(account.Id, Ct);
        await account.EndedAsync(webhook, "delivered", Ct);
    }
}
