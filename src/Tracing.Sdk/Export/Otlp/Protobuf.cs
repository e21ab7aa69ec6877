using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>The parts of the protobuf wire format that OTLP uses: https://protobuf.dev/programming-guides/encoding/</summary>
internal static class Protobuf
{
    public static int VarintLength(uint value) => value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;

    /// <summary>Writes to the start of <paramref name="target"/>, at most ten bytes, and returns their number.</summary>
    public static int WriteVarint(Span<byte> target, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            target[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[i++] = (byte)value;
        return i;
    }

    public static void WriteVarint(ref this ByteWriter writer, byte tag, ulong value)
    {
        var free = writer.Reserve(11);
        free[0] = tag;
        writer.Advance(1 + WriteVarint(free[1..], value));
    }

    public static void WriteFixed64(ref this ByteWriter writer, byte tag, ulong value)
    {
        var free = writer.Reserve(9);
        free[0] = tag;
        BinaryPrimitives.WriteUInt64LittleEndian(free[1..], value);
        writer.Advance(9);
    }

    public static void WriteBytes(ref this ByteWriter writer, byte tag, ReadOnlySpan<byte> value)
    {
        var free = writer.Reserve(value.Length + 6);
        free[0] = tag;
        var length = 1 + WriteVarint(free[1..], (uint)value.Length);
        value.CopyTo(free[length..]);
        writer.Advance(length + value.Length);
    }

    public static void WriteString(ref this ByteWriter writer, byte tag, ReadOnlySpan<char> value)
    {
        // The most frequent case: ASCII text whose length takes one byte.
        if (value.Length < 0x80)
        {
            ref var to = ref writer.Reserve(value.Length + 2)[0];
            if (Utf8Text.TryWriteAscii(value, ref Unsafe.Add(ref to, 2)))
            {
                Unsafe.WriteUnaligned(ref to, (ushort)(tag | (value.Length << 8)));
                writer.Advance(value.Length + 2);
                return;
            }
        }

        var message = writer.BeginMessage(tag, VarintLength((uint)value.Length));
        writer.WriteUtf8(value);
        writer.EndMessage(message);
    }

    /// <summary>Begins a message whose length will most likely take <paramref name="lengthBytes"/> bytes; when not, its bytes are moved.</summary>
    public static (int Start, int LengthBytes) BeginMessage(ref this ByteWriter writer, byte tag, int lengthBytes)
    {
        writer.Reserve(6)[0] = tag;
        writer.Advance(1 + lengthBytes);
        return (writer.Position, lengthBytes);
    }

    public static void EndMessage(ref this ByteWriter writer, (int Start, int LengthBytes) message)
    {
        var length = (uint)(writer.Position - message.Start);
        var actual = VarintLength(length);
        if (actual != message.LengthBytes) writer.Shift(message.Start, actual - message.LengthBytes);
        WriteVarint(writer.From(message.Start - message.LengthBytes), length);
    }
}
