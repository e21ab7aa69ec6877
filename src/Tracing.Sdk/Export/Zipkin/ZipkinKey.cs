using System.Diagnostics;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Zipkin;

/// <summary>The key of a tag, with the meaning that Zipkin gives to it.</summary>
internal sealed class ZipkinKey : AttributeKey
{
    /// <summary>A tag with this key, whatever its value, shows the span as failed.</summary>
    public const string Error = "error";

    public ZipkinKey(string text, byte[] encoded, int number, bool isRemoved) : base(text, encoded, number, isRemoved)
    {
        IsSpecial |= text == Error;
        Endpoint = isRemoved ? null : RemoteEndpoint.Rank(text);
    }

    /// <summary>How the tag's value describes the remote endpoint; null for most keys, and for removed ones.</summary>
    public EndpointTag? Endpoint { get; }

    /// <summary>Returns the value of a span's tag; null when the span has none that is exported.</summary>
    public static object? FindTag(string key, Activity activity, SpanContent? content, Table keys) =>
        keys.Get(key, keys.Start).IsRemoved ? null : content is { HasAttributes: true } ? content.Get(key) : activity.GetTagItem(key);
}
