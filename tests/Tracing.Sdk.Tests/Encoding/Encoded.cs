using System.Diagnostics;
using Tracing.Sdk.Encoding;
using Tracing.Sdk.Encoding.Otlp;
using Tracing.Sdk.Encoding.Zipkin;
using Tracing.Sdk.Tests.Otlp;

namespace Tracing.Sdk.Tests.Encoding;

/// <summary>The bytes that an encoder makes, and what others read in them.</summary>
internal static class Encoded
{
    public static Sdk.Encoding.Resource Resource { get; } = new([new("service.name", "my.service")]);

    public static byte[] Bytes(SpanEncoder encoder, Activity activity, SpanFacts? facts = null)
    {
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        encoder.Encode(activity, facts ?? TestSpan.Facts, encoder.Scopes.Get(activity.Source), ref writer);
        return writer.Written.ToArray();
    }

    /// <summary>Encodes as OTLP protobuf, checks the bytes against Google.Protobuf's own, and returns what it read.</summary>
    public static Span Otlp(Activity activity, SpanFacts? facts = null, SpanLimits? limits = null)
    {
        var bytes = Bytes(new OtlpProtobufEncoder(limits ?? new SpanLimits()), activity, facts);
        var read = ScopeSpans.Parser.ParseFrom(bytes);
        Assert.Equal(Convert.ToHexString(Google.Protobuf.MessageExtensions.ToByteArray(read)), Convert.ToHexString(bytes));
        return Assert.Single(read.Spans);
    }

    public static string OtlpJson(Activity activity, SpanFacts? facts = null, SpanLimits? limits = null) =>
        System.Text.Encoding.UTF8.GetString(Bytes(new OtlpJsonEncoder(limits ?? new SpanLimits()), activity, facts));

    public static string Zipkin(Activity activity, SpanFacts? facts = null, SpanLimits? limits = null) =>
        System.Text.Encoding.UTF8.GetString(Bytes(new ZipkinEncoder(limits ?? new SpanLimits(), Resource), activity, facts));
}
