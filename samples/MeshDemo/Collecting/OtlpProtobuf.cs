using System.Globalization;
using MeshDemo.Traces;

namespace MeshDemo.Collecting;

// POST /v1/traces: an ExportTraceServiceRequest in protobuf,
// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto.
// Read by hand: this is less code to keep than four .proto files, their compiler and the copying from its classes.
internal static class OtlpProtobuf
{
    private const int MaxDepth = 8;

    /// <exception cref="FormatException">It is no such message: the message says what is wrong.</exception>
    public static IReadOnlyList<Span> Read(ReadOnlySpan<byte> body)
    {
        var spans = new List<Span>();
        var request = new ProtobufReader(body);
        for (int field; (field = request.NextField()) != 0;)
        {
            if (field == 1)
                ReadResourceSpans(request.Message(), spans);
            else
                request.Skip();
        }

        return spans;
    }

    private static void ReadResourceSpans(ProtobufReader message, List<Span> spans)
    {
        // The resource usually comes first, but may come last: the service is named when all has been read.
        var service = "";
        var first = spans.Count;
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 1: service = ReadResource(message.Message()).GetValueOrDefault("service.name", ""); break;
                case 2: ReadScopeSpans(message.Message(), spans); break;
                default: message.Skip(); break;
            }
        }

        for (var i = first; i < spans.Count; i++)
            spans[i] = spans[i] with { Service = service };
    }

    private static Dictionary<string, string> ReadResource(ProtobufReader message)
    {
        var attributes = new Dictionary<string, string>();
        for (int field; (field = message.NextField()) != 0;)
        {
            if (field == 1)
                ReadAttribute(message.Message(), attributes);
            else
                message.Skip();
        }

        return attributes;
    }

    private static void ReadScopeSpans(ProtobufReader message, List<Span> spans)
    {
        for (int field; (field = message.NextField()) != 0;)
        {
            if (field == 2)
                spans.Add(ReadSpan(message.Message()));
            else
                message.Skip();
        }
    }

    private static Span ReadSpan(ProtobufReader message)
    {
        string traceId = "", spanId = "", parentId = "", name = "", statusMessage = "";
        ulong kind = 0, start = 0, end = 0, status = 0;
        var tags = new Dictionary<string, string>();
        var events = new List<SpanEvent>();
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 1: traceId = Id(message.Bytes(), 16, "trace id"); break;
                case 2: spanId = Id(message.Bytes(), 8, "span id"); break;
                case 3: tags["tracestate"] = message.Text(); break;
                case 4: parentId = message.Bytes() is { IsEmpty: false } id ? Id(id, 8, "parent span id") : ""; break;
                case 5: name = message.Text(); break;
                case 6: kind = message.Varint(); break;
                case 7: start = message.Fixed64(); break;
                case 8: end = message.Fixed64(); break;
                case 9: ReadAttribute(message.Message(), tags); break;
                case 11: events.Add(ReadEvent(message.Message())); break;
                case 15: (status, statusMessage) = ReadStatus(message.Message()); break;
                default: message.Skip(); break;
            }
        }

        if (traceId.Length == 0 || spanId.Length == 0)
            throw new FormatException("A span has no id.");
        if (statusMessage.Length > 0)
            tags["error"] = statusMessage;
        return new Span
        {
            TraceId = traceId,
            SpanId = spanId,
            ParentId = parentId.Length > 0 ? parentId : null,
            Service = "",
            Name = name,
            Kind = kind switch { 2 => "SERVER", 3 => "CLIENT", 4 => "PRODUCER", 5 => "CONSUMER", _ => "INTERNAL" },
            Start = (long)(start / 1000),
            Duration = end > start ? (long)((end - start) / 1000) : 0,
            IsError = status == 2,
            Tags = tags,
            Events = events,
        };
    }

    private static SpanEvent ReadEvent(ProtobufReader message)
    {
        ulong time = 0;
        var name = "";
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 1: time = message.Fixed64(); break;
                case 2: name = message.Text(); break;
                default: message.Skip(); break;
            }
        }

        return new SpanEvent((long)(time / 1000), name);
    }

    private static (ulong Code, string Message) ReadStatus(ProtobufReader message)
    {
        ulong code = 0;
        var text = "";
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 2: text = message.Text(); break;
                case 3: code = message.Varint(); break;
                default: message.Skip(); break;
            }
        }

        return (code, text);
    }

    private static void ReadAttribute(ProtobufReader message, Dictionary<string, string> attributes)
    {
        string key = "", value = "";
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 1: key = message.Text(); break;
                case 2: value = ReadValue(message.Message(), 0); break;
                default: message.Skip(); break;
            }
        }

        attributes[key] = value;
    }

    private static string ReadValue(ProtobufReader message, int depth)
    {
        if (depth == MaxDepth)
            return "...";
        var value = "";
        for (int field; (field = message.NextField()) != 0;)
        {
            switch (field)
            {
                case 1: value = message.Text(); break;
                case 2: value = message.Varint() != 0 ? "true" : "false"; break;
                case 3: value = ((long)message.Varint()).ToString(CultureInfo.InvariantCulture); break;
                case 4: value = message.Double().ToString(CultureInfo.InvariantCulture); break;
                case 5: value = ReadArray(message.Message(), depth + 1); break;
                case 7: value = Convert.ToBase64String(message.Bytes()); break;
                default: message.Skip(); break;
            }
        }

        return value;
    }

    private static string ReadArray(ProtobufReader message, int depth)
    {
        var values = new List<string>();
        for (int field; (field = message.NextField()) != 0;)
        {
            if (field == 1)
                values.Add(ReadValue(message.Message(), depth));
            else
                message.Skip();
        }

        return $"[{string.Join(", ", values)}]";
    }

    private static string Id(ReadOnlySpan<byte> bytes, int length, string what) =>
        bytes.Length == length && bytes.ContainsAnyExcept((byte)0)
            ? Convert.ToHexStringLower(bytes)
            : throw new FormatException($"A span has a {what} of {bytes.Length} bytes.");
}
