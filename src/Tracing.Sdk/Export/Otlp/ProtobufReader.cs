namespace Tracing.Sdk.Export.Otlp;

/// <summary>Reads the fields of small protobuf messages that come from a collector. What is no protobuf reads as empty.</summary>
/// <remarks>https://protobuf.dev/programming-guides/encoding/</remarks>
internal static class ProtobufReader
{
    /// <summary>Returns the bytes of a field, the last ones if it occurs several times; empty without one.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> message, int number)
    {
        ReadOnlySpan<byte> found = default;
        while (TryRead(ref message, out var field, out _, out var bytes))
        {
            if (field == number) found = bytes;
        }

        return found;
    }

    /// <summary>Returns the number in a field, the last one if it occurs several times; 0 without one.</summary>
    public static long FindNumber(ReadOnlySpan<byte> message, int number)
    {
        var found = 0L;
        while (TryRead(ref message, out var field, out var value, out _))
        {
            if (field == number) found = (long)value;
        }

        return found;
    }

    /// <summary>Reads the field at the beginning of a message and removes it from the message.</summary>
    public static bool TryRead(scoped ref ReadOnlySpan<byte> message, out int field, out ulong value, out ReadOnlySpan<byte> bytes)
    {
        field = 0;
        value = 0;
        bytes = default;
        if (message.IsEmpty || !TryReadVarint(ref message, out var tag)) return false;
        field = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(ref message, out value);
            case 1 when message.Length >= 8:
                message = message[8..];
                return true;
            case 2 when TryReadVarint(ref message, out var length) && length <= (ulong)message.Length:
                bytes = message[..(int)length];
                message = message[(int)length..];
                return true;
            case 5 when message.Length >= 4:
                message = message[4..];
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> message, out ulong value)
    {
        value = 0;
        for (var i = 0; i < Math.Min(10, message.Length); i++)
        {
            value |= (ulong)(message[i] & 0x7F) << (7 * i);
            if (message[i] >= 0x80) continue;
            message = message[(i + 1)..];
            return true;
        }

        return false;
    }
}
