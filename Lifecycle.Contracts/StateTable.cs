using System.Collections.Frozen;

namespace Lifecycle.Contracts;

/// <summary>One allowed move. <paramref name="From"/> is null where the thing comes into being.</summary>
/// <param name="Who">The one who makes the move.</param>
/// <param name="Rescue">What moves it on if nobody does.</param>
public sealed record Transition<TState, TTrigger>(TState? From, TTrigger Trigger, TState To, string Who, string Rescue = "-")
    where TState : struct, Enum
    where TTrigger : struct, Enum;

/// <summary>
/// All states and moves of one kind of thing, in one table. Code moves things only through <see cref="Next"/>;
/// docs/lifecycle.md and the schema's checks are compared with it by tests.
/// </summary>
public sealed class StateTable<TState, TTrigger>
    where TState : struct, Enum
    where TTrigger : struct, Enum
{
    private readonly FrozenDictionary<(TState, TTrigger), TState> _moves;
    private readonly FrozenDictionary<TState, string> _names;
    private readonly FrozenDictionary<string, TState> _states;

    /// <param name="name">How a state is written in the database and on the wire.</param>
    /// <param name="transitions">Every allowed move.</param>
    public StateTable(Func<TState, string> name, IReadOnlyList<Transition<TState, TTrigger>> transitions)
    {
        Transitions = transitions;
        _names = Enum.GetValues<TState>().ToFrozenDictionary(state => state, name);
        _states = _names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
        _moves = transitions.Where(t => t.From is not null).ToFrozenDictionary(t => (t.From!.Value, t.Trigger), t => t.To);
    }

    public IReadOnlyList<Transition<TState, TTrigger>> Transitions { get; }

    /// <summary>The state that <paramref name="trigger"/> leads to, or null where it is not allowed in <paramref name="from"/>.</summary>
    public TState? Next(TState from, TTrigger trigger) => _moves.TryGetValue((from, trigger), out var to) ? to : null;

    /// <summary>The state in which <paramref name="trigger"/> brings a new thing into being.</summary>
    /// <exception cref="ArgumentException">Nothing begins with this trigger.</exception>
    public TState Initial(TTrigger trigger) =>
        Transitions.FirstOrDefault(t => t.From is null && EqualityComparer<TTrigger>.Default.Equals(t.Trigger, trigger))?.To
        ?? throw new ArgumentException($"Nothing begins with {trigger}.", nameof(trigger));

    /// <summary>What may happen in <paramref name="state"/>: the words of a 409.</summary>
    public IReadOnlyList<TTrigger> AllowedIn(TState state) =>
        [.. Transitions.Where(t => t.From is { } from && EqualityComparer<TState>.Default.Equals(from, state)).Select(t => t.Trigger)];

    /// <summary>What to say of a move that the table does not have: already where <paramref name="trigger"/> leads, or not allowed.</summary>
    public MoveOutcome Refusal(TState state, TTrigger trigger) =>
        Transitions.Any(t => t.From is not null && EqualityComparer<TTrigger>.Default.Equals(t.Trigger, trigger) && EqualityComparer<TState>.Default.Equals(t.To, state))
            ? MoveOutcome.AlreadyThere
            : MoveOutcome.NotAllowed;

    /// <summary>As written in the database and on the wire.</summary>
    public string NameOf(TState state) => _names[state];

    /// <summary>The state that a caller names; null: none.</summary>
    public TState? Find(string name) => _states.TryGetValue(name, out var state) ? state : null;

    /// <exception cref="FormatException">The text names no state: the database holds a newer version's row.</exception>
    public TState Parse(string name) =>
        Find(name) ?? throw new FormatException($"'{name}' is no {typeof(TState).Name}.");
}

/// <summary>What came of an attempted move.</summary>
public enum MoveOutcome
{
    /// <summary>The move was made and is durable once its transaction commits.</summary>
    Moved,

    /// <summary>The thing is already where the move leads: success for a repeated message.</summary>
    AlreadyThere,

    /// <summary>The state does not allow the trigger: 409.</summary>
    NotAllowed,

    /// <summary>There is no such thing: 404.</summary>
    Missing,
}
