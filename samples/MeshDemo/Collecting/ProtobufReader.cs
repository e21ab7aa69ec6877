using System.Buffers.Binary;
using System.Text;

namespace MeshDemo.Collecting;

// A message is fields in any order: a varint (number << 3 | wire type), then the value.
// https://protobuf.dev/programming-guides/encoding/
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The number of the field that comes next; 0 at the end of the message.</summary>
    /// <exception cref="FormatException">The message is not protobuf.</exception>
    public int NextField()
    {
        if (_rest.IsEmpty)
            return 0;
        var tag = ReadVarint();
        WireType = (int)(tag & 7);
        return tag >> 3 is > 0 and <= 0x1FFFFFFF and var field ? (int)field : throw new FormatException("A protobuf field has no number.");
    }

    private int WireType { get; set; }

    public ulong Varint() => WireType == 0 ? ReadVarint() : throw Wrong();

    public ulong Fixed64() => WireType == 1 ? BinaryPrimitives.ReadUInt64LittleEndian(Take(8)) : throw Wrong();

    public double Double() => BitConverter.UInt64BitsToDouble(Fixed64());

    /// <summary>The bytes of a field of bytes, a string or a message.</summary>
    public ReadOnlySpan<byte> Bytes() => WireType == 2 ? Take(ReadVarint()) : throw Wrong();

    public string Text() => Encoding.UTF8.GetString(Bytes());

    public ProtobufReader Message() => new(Bytes());

    public void Skip()
    {
        switch (WireType)
        {
            case 0: ReadVarint(); break;
            case 1: Take(8); break;
            case 2: Take(ReadVarint()); break;
            case 5: Take(4); break;
            default: throw Wrong();
        }
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw new FormatException("A protobuf number has no end.");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
            throw new FormatException("A protobuf message ends too early.");
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private readonly FormatException Wrong() => new($"A protobuf field has an unexpected wire type {WireType}.");
}
