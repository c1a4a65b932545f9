using System.Net.Http.Json;
using System.Text;
using Storage.Fabric;
using Storage.Fabric.Consensus;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Http;

public sealed class ConsensusTests(NodeHost node) : IClassFixture<NodeHost>
{
    [Fact]
    public async Task Prepare_accept_and_state_speak_Paxos_and_a_restart_forgets_nothing()
    {
        await using NodeHost own = new();
        await own.StartAsync();
        var first = await AskAsync(own, new(AcceptorRequest.Prepare, "c", 5), new(AcceptorRequest.Accept, "d", 1, "early"));
        Assert.Equal([new(true, 5), new(true, 1)], first);
        Assert.Equal([new(false, 5)], await AskAsync(own, new AcceptorRequest(AcceptorRequest.Prepare, "c", 5)));
        Assert.Equal([new(false, 5)], await AskAsync(own, new AcceptorRequest(AcceptorRequest.Accept, "c", 4, "late")));
        Assert.Equal([new(true, 5)], await AskAsync(own, new AcceptorRequest(AcceptorRequest.Accept, "c", 5, "valueé")));
        await own.StopAsync();
        await own.StartAsync();
        Assert.Equal(
            [new(true, 5, 5, "valueé"), new(true, 9, 1, "early"), new(true)],
            await AskAsync(own, new(AcceptorRequest.State, "c"), new(AcceptorRequest.Prepare, "d", 9), new(AcceptorRequest.State, "unknown")));
    }

    [Fact]
    public async Task Another_acceptor_s_promises_are_not_this_one_s_to_keep()
    {
        var other = $"{Guid.NewGuid():N}";
        Assert.Equal(
            [new(false), new(false), new(false), new(true, 3)],
            await AskAsync(
                node, new(AcceptorRequest.Prepare, "foreign", 3, Acceptor: other), new(AcceptorRequest.Accept, "foreign", 3, "value", Acceptor: other), new(AcceptorRequest.State, "foreign", Acceptor: other),
                new(AcceptorRequest.Prepare, "foreign", 3)));
    }

    [Fact]
    public async Task Holds_is_true_for_a_sound_chunk_with_that_checksum()
    {
        var bytes = LogHost.Bytes(3, 2000);
        await node.PutAsync("held", bytes);
        AcceptorRequest right = new(AcceptorRequest.Holds, "held", Checksum: Checksum.HexOf(bytes));
        Assert.Equal([true, false, false], (await AskAsync(node, right, right with { Checksum = Checksum.HexOf([]) }, right with { ChunkId = "other" })).Select(answer => answer.Granted));
        await node.FlipAsync(bytes);
        using var corrupt = await node.SendAsync(HttpMethod.Get, "/chunk/held");
        corrupt.HasStatus(500);
        Assert.False((await AskAsync(node, right))[0].Granted);
    }

    [Fact]
    public async Task A_whole_batch_is_answered_in_its_order()
    {
        var answers = await AskAsync(node, [.. Enumerable.Range(1, AcceptorBatch.Most).Select(number => new AcceptorRequest(AcceptorRequest.Prepare, $"batch-{number}", number))]);
        Assert.Equal(Enumerable.Range(1, AcceptorBatch.Most).Select(number => (long)number), answers.Select(answer => answer.Promised));
        using var tooMany = await PostAsync(node, [.. Enumerable.Repeat(new AcceptorRequest(AcceptorRequest.State, "x"), AcceptorBatch.Most + 1)]);
        tooMany.HasStatus(413);
        await tooMany.DetailAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"requests":[null]}""")]
    [InlineData("""{"requests":[{}]}""")]
    [InlineData("""{"requests":[{"kind":"prepare","chunk_id":"a/b","ballot":1}]}""")]
    [InlineData("""{"requests":[{"kind":"prepare","chunk_id":"a"}]}""")]
    [InlineData("""{"requests":[{"kind":"accept","chunk_id":"a","ballot":1}]}""")]
    [InlineData("""{"requests":[{"kind":"accept","chunk_id":"a","ballot":-1,"value":"v"}]}""")]
    [InlineData("""{"requests":[{"kind":"holds","chunk_id":"a","checksum":"x"}]}""")]
    [InlineData("""{"requests":[{"kind":"forget","chunk_id":"a"}]}""")]
    public async Task A_malformed_batch_is_400(string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using var answer = await node.Client.PostAsync("/consensus", content);
        answer.HasStatus(400);
        await answer.DetailAsync();
    }

    private static Task<HttpResponseMessage> PostAsync(NodeHost node, params AcceptorRequest[] requests) =>
        node.Client.PostAsJsonAsync("/consensus", new AcceptorBatch(requests), ConsensusJson.Default.AcceptorBatch);

    private static async Task<IReadOnlyList<AcceptorAnswer>> AskAsync(NodeHost node, params AcceptorRequest[] requests)
    {
        using var answer = await PostAsync(node, requests);
        answer.HasStatus(200);
        return (await answer.Content.ReadFromJsonAsync(ConsensusJson.Default.AcceptorAnswers))!.Answers;
    }
}
