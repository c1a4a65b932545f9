using System.Buffers.Binary;
using System.Text;
using Storage.Fabric.Consensus;

namespace Storage.Node.Log;

/// <summary>The payload of an acceptor's frame: promised, accepted ballot, then the value as UTF-8. Without an accepted ballot there is no value.</summary>
internal static class AcceptorRecord
{
    private const int BallotBytes = 2 * sizeof(long);

    public static byte[] Frame(AcceptorState state)
    {
        var bytes = new byte[Frames.Frame.HeaderBytes + BallotBytes + Encoding.UTF8.GetByteCount(state.AcceptedValue ?? "")];
        var payload = bytes.AsSpan(Frames.Frame.HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(payload, state.Promised);
        BinaryPrimitives.WriteInt64LittleEndian(payload[sizeof(long)..], state.AcceptedBallot);
        Encoding.UTF8.GetBytes(state.AcceptedValue ?? "", payload[BallotBytes..]);
        return bytes;
    }

    public static AcceptorState Read(ReadOnlySpan<byte> payload)
    {
        var accepted = BinaryPrimitives.ReadInt64LittleEndian(payload[sizeof(long)..]);
        return new(BinaryPrimitives.ReadInt64LittleEndian(payload), accepted, accepted == 0 ? null : Encoding.UTF8.GetString(payload[BallotBytes..]));
    }
}
