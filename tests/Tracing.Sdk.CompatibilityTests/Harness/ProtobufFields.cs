using Google.Protobuf;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Reads messages of protocol buffers without their schema.</summary>
internal static class ProtobufFields
{
    /// <summary>The messages, texts and bytes at a path of field numbers.</summary>
    public static IEnumerable<byte[]> At(byte[] message, params int[] path)
    {
        var fields = new List<byte[]>();
        var input = new CodedInputStream(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (tag == WireFormat.MakeTag(path[0], WireFormat.WireType.LengthDelimited)) fields.Add(input.ReadBytes().ToByteArray());
            else input.SkipLastField();
        }

        return path.Length == 1 ? fields : fields.SelectMany(field => At(field, path[1..]));
    }
}
