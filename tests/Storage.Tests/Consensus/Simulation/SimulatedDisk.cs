using System.Diagnostics;
using Storage.Fabric.Consensus;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>A node's log for one chunk. What a crash finds half written is lost or kept by chance; what has ended is kept.</summary>
internal sealed class SimulatedDisk(World world, ChosenValues chosen, SimulatedNode node, Mutation mutation) : IAcceptorLog
{
    /// <summary>Power fails while a disk works more often than while a process thinks.</summary>
    private const int CrashesPerWrite = 5;

    /// <summary>What a restart finds.</summary>
    private AcceptorState _durable = AcceptorState.None;

    /// <summary>What the running process goes by.</summary>
    private AcceptorState _current = AcceptorState.None;

    /// <summary>On its way to the disk, not there yet.</summary>
    private AcceptorState? _underWay;

    private bool _isDurableUnanswered;

    public async ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct)
    {
        if (world.Chance(0.5))
        {
            TaskCompletionSource read = new();
            world.After(world.Between(0, 1), node.Process, read.SetResult);
            await read.Task;
        }

        return _current;
    }

    public Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct)
    {
        TaskCompletionSource written = new();
        var process = node.Process;
        if (world.Chance(world.Faults.CrashPerStep * CrashesPerWrite))
        {
            world.After(world.Between(0, 10), null, process.Crash);
        }

        if (mutation == Mutation.PromiseIsNotDurable && state.AcceptedBallot == _current.AcceptedBallot)
        {
            _current = state;
            return Task.CompletedTask;
        }

        _underWay = state;
        var fails = world.Chance(world.Faults.FailedWrite);
        world.After(world.Between(0.1, 4), null, () =>
        {
            if (!process.IsAlive)
            {
                return;
            }

            _underWay = null;
            if (fails)
            {
                world.Count("failed write");
                _durable = world.Chance(0.5) ? state : _durable;
                world.After(TimeSpan.Zero, process, () => written.SetException(new IOException("fsync failed")));
                return;
            }

            (_durable, _isDurableUnanswered) = (state, true);
            world.After(world.Between(0, 1), process, () =>
            {
                (_current, _isDurableUnanswered) = (state, false);
                Tell(state);
                written.SetResult();
            });
        });
        return written.Task;
    }

    public void Crashed()
    {
        if (_underWay is { } state)
        {
            var kept = world.Chance(0.5);
            world.Count(kept ? "unfinished write kept" : "unfinished write lost");
            _durable = kept ? state : _durable;
            _underWay = null;
        }

        if (_isDurableUnanswered)
        {
            world.Count("crash between durable and answer");
            _isDurableUnanswered = false;
        }
    }

    public void Loaded()
    {
        _current = _durable;
        world.Trace($"{node.Name} starts with promise {_current.Promised}, accepted {_current.AcceptedBallot} {_current.AcceptedValue}");
        Tell(_current);
    }

    private void Tell(AcceptorState state)
    {
        Debug.Assert(state.Promised >= state.AcceptedBallot || mutation != Mutation.None);
        if (state.AcceptedValue is { } value)
        {
            chosen.Accepted(node.Index, state.AcceptedBallot, value);
        }
    }
}
