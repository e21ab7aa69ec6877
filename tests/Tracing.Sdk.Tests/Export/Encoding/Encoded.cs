using System.Diagnostics;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Export.Zipkin;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Otlp;

namespace Tracing.Sdk.Tests.Export.Encoding;

/// <summary>Encodes spans and reads the bytes back.</summary>
internal static class Encoded
{
    public static Sdk.Export.Encoding.Resource Resource { get; } = new([new("service.name", "my.service")]);

    // One encoder for all tests, as for all spans of an application: encoders remember keys and tags.
    private static readonly OtlpProtobufEncoder OtlpEncoder = new(new SpanLimits());
    private static readonly OtlpJsonEncoder OtlpJsonEncoder = new(new SpanLimits());
    private static readonly ZipkinEncoder ZipkinEncoder = new(new SpanLimits(), Resource);

    public static byte[] Bytes(SpanEncoder encoder, Activity activity, SpanMetadata? facts = null)
    {
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        encoder.Encode(activity, facts ?? TestSpan.Facts, encoder.Scopes.Get(activity.Source), ref writer);
        return writer.Written.ToArray();
    }

    /// <summary>Encodes as OTLP protobuf, checks the bytes against Google.Protobuf's own, and returns what it read.</summary>
    public static Span Otlp(Activity activity, SpanMetadata? facts = null, SpanLimits? limits = null)
    {
        var bytes = Bytes(limits is null ? OtlpEncoder : new OtlpProtobufEncoder(limits), activity, facts);
        var read = ScopeSpans.Parser.ParseFrom(bytes);
        Assert.Equal(Convert.ToHexString(Google.Protobuf.MessageExtensions.ToByteArray(read)), Convert.ToHexString(bytes));
        return Assert.Single(read.Spans);
    }

    public static string OtlpJson(Activity activity, SpanMetadata? facts = null, SpanLimits? limits = null) =>
        Json(Bytes(limits is null ? OtlpJsonEncoder : new OtlpJsonEncoder(limits), activity, facts));

    public static string Zipkin(Activity activity, SpanMetadata? facts = null, SpanLimits? limits = null) =>
        Json(Bytes(limits is null ? ZipkinEncoder : new ZipkinEncoder(limits, Resource), activity, facts));

    /// <summary>A span in JSON, without the comma before it.</summary>
    public static string Json(byte[] span)
    {
        Assert.Equal((byte)',', span[0]);
        return System.Text.Encoding.UTF8.GetString(span.AsSpan(1));
    }
}
