using System.Threading.Channels;
using Storage.Fabric.Consensus;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>
/// What is asked of one node, whichever of its acceptors is meant. Messages of all commits under way share POSTs, and so the node's fsync: one
/// that finds a sender idle goes at once, those that come while both are out go together.
/// </summary>
internal sealed class NodeMessages : IAsyncDisposable
{
    private const int MostWaiting = 4096;

    /// <summary>Of the values in one POST: a node reads a body of 1 MiB.</summary>
    private const int MostValueCharacters = 256 << 10;

    /// <summary>POSTs to one node at a time: while one waits for the disk, the next one gathers.</summary>
    private const int Senders = 2;

    private readonly string _nodeId;
    private readonly NodeDirectory _directory;
    private readonly NodeClient _client;
    private readonly Channel<Message> _waiting = Channel.CreateBounded<Message>(MostWaiting);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _sending;

    public NodeMessages(string nodeId, NodeDirectory directory, NodeClient client)
    {
        (_nodeId, _directory, _client) = (nodeId, directory, client);
        _sending = Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => Task.Run(SendAsync, _stop.Token)));
    }

    /// <summary>No consensus: whether the node has the object, sound and with that checksum.</summary>
    public async Task<bool> HoldsAsync(string objectId, string checksum, CancellationToken ct) => (await AskAsync(new(AcceptorRequest.Holds, objectId, Checksum: checksum), ct)).Granted;

    /// <exception cref="IOException">The node did not answer; what it has done is not known.</exception>
    public async Task<AcceptorAnswer> AskAsync(AcceptorRequest request, CancellationToken ct)
    {
        Message message = new(request);
        await _waiting.Writer.WriteAsync(message, ct);
        return await message.Answer.Task.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _sending;
        _stop.Dispose();
    }

    private async Task SendAsync()
    {
        List<Message> batch = new(AcceptorBatch.Most);
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(_stop.Token))
            {
                batch.Clear();
                for (var characters = 0; batch.Count < AcceptorBatch.Most && characters < MostValueCharacters && _waiting.Reader.TryRead(out var message); characters += message.Request.Value?.Length ?? 0)
                {
                    batch.Add(message);
                }

                await SendAsync(batch);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The service ends; whoever waits has a token of his own.
        }
    }

    private async Task SendAsync(List<Message> batch)
    {
        if (batch.Count == 0)
        {
            return; // the other sender has taken them
        }

        try
        {
            var url = (await _directory.CurrentAsync(_stop.Token)).ById(_nodeId)?.Url ?? throw new IOException($"Node {_nodeId} has no address.");
            var answers = await _client.ConsensusAsync(url, new([.. batch.Select(message => message.Request)]), _stop.Token) ?? throw new IOException($"Node {_nodeId} has no acceptor.");
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Answer.TrySetResult(answers.Answers[i]);
            }
        }
        catch (Exception exception)
        {
            foreach (var message in batch)
            {
                message.Answer.TrySetException(new IOException($"Node {_nodeId} did not answer: {exception.Message}", exception));
            }
        }
    }

    private sealed record Message(AcceptorRequest Request)
    {
        public TaskCompletionSource<AcceptorAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
