using System.Globalization;
using Google.Protobuf;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>
/// Reads the fields that the tests look at out of an ExportTraceServiceRequest, by the field numbers of opentelemetry-proto 1.11.
/// Whether the message is right in every field is proven elsewhere, with the generated classes.
/// </summary>
internal static class OtlpReader
{
    private static readonly string?[] Kinds = [null, null, "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

    public static List<CollectedSpan> Read(byte[] request)
    {
        var spans = new List<CollectedSpan>();
        foreach (var resourceSpans in Fields(request).Where(field => field.Number == 1))
        {
            var resource = new Dictionary<string, string>();
            foreach (var field in Fields(resourceSpans.Bytes).Where(field => field.Number == 1))
                ReadAttributes(field.Bytes, 1, resource);

            foreach (var scopeSpans in Fields(resourceSpans.Bytes).Where(field => field.Number == 2))
                foreach (var span in Fields(scopeSpans.Bytes).Where(field => field.Number == 2))
                    spans.Add(ReadSpan(span.Bytes, resource.GetValueOrDefault("service.name", "")));
        }

        return spans;
    }

    private static CollectedSpan ReadSpan(byte[] message, string service)
    {
        string traceId = "", id = "", name = "", traceState = "";
        string? parentId = null, kind = null;
        uint flags = 0;
        var start = 0L;
        var status = 0;
        var links = new List<CollectedLink>();
        foreach (var field in Fields(message))
        {
            switch (field.Number)
            {
                case 1: traceId = Convert.ToHexStringLower(field.Bytes); break;
                case 2: id = Convert.ToHexStringLower(field.Bytes); break;
                case 3: traceState = field.Text; break;
                case 4: parentId = Convert.ToHexStringLower(field.Bytes); break;
                case 5: name = field.Text; break;
                case 6: kind = Kinds[field.Value]; break;
                case 7: start = (long)(field.Value / 1000); break;
                case 13: links.Add(ReadLink(field.Bytes)); break;
                case 15: status = (int)Fields(field.Bytes).FirstOrDefault(part => part.Number == 3).Value; break;
                case 16: flags = (uint)field.Value; break;
            }
        }

        var tags = new Dictionary<string, string>();
        ReadAttributes(message, 9, tags);
        return new CollectedSpan
        {
            Format = SpanFormat.Otlp,
            TraceId = traceId,
            TraceIdAsSent = traceId,
            Id = id,
            ParentId = parentId,
            Name = name,
            Kind = kind,
            Service = service,
            Tags = tags,
            StartMicroseconds = start,
            Flags = flags,
            TraceState = traceState,
            Links = links,
            Status = status,
        };
    }

    private static CollectedLink ReadLink(byte[] message)
    {
        string traceId = "", spanId = "";
        foreach (var field in Fields(message))
        {
            switch (field.Number)
            {
                case 1: traceId = Convert.ToHexStringLower(field.Bytes); break;
                case 2: spanId = Convert.ToHexStringLower(field.Bytes); break;
            }
        }

        var attributes = new Dictionary<string, string>();
        ReadAttributes(message, 4, attributes);
        return new CollectedLink(traceId, spanId, attributes);
    }

    private static void ReadAttributes(byte[] message, int number, Dictionary<string, string> into)
    {
        foreach (var attribute in Fields(message).Where(field => field.Number == number))
        {
            var key = "";
            byte[] value = [];
            foreach (var part in Fields(attribute.Bytes))
            {
                if (part.Number == 1) key = part.Text;
                if (part.Number == 2) value = part.Bytes;
            }

            // Add, not set: an attribute that is there twice is a fault that a test must see.
            into.Add(key, ReadValue(value));
        }
    }

    private static string ReadValue(byte[] message) => Fields(message).FirstOrDefault() switch
    {
        { Number: 1 } text => text.Text,
        { Number: 2 } flag => flag.Value != 0 ? "true" : "false",
        { Number: 3 } number => ((long)number.Value).ToString(CultureInfo.InvariantCulture),
        { Number: 4 } number => BitConverter.UInt64BitsToDouble(number.Value).ToString("R", CultureInfo.InvariantCulture),
        { Number: 0 } => "",
        var other => Convert.ToHexStringLower(other.Bytes),
    };

    private static List<Field> Fields(byte[] message)
    {
        var fields = new List<Field>();
        var input = new CodedInputStream(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            var number = WireFormat.GetTagFieldNumber(tag);
            fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => new Field(number, input.ReadUInt64(), []),
                WireFormat.WireType.Fixed64 => new Field(number, input.ReadFixed64(), []),
                WireFormat.WireType.Fixed32 => new Field(number, input.ReadFixed32(), []),
                WireFormat.WireType.LengthDelimited => new Field(number, 0, input.ReadBytes().ToByteArray()),
                var other => throw new InvalidDataException($"Wire type {other} is in no OTLP message."),
            });
        }

        return fields;
    }

    private readonly record struct Field(int Number, ulong Value, byte[] Bytes)
    {
        public string Text => System.Text.Encoding.UTF8.GetString(Bytes);
    }
}
