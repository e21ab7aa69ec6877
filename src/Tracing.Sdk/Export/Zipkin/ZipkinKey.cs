using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Zipkin;

/// <summary>The key of a tag, with the meaning that Zipkin gives to it.</summary>
internal sealed class ZipkinKey : AttributeKey
{
    /// <summary>A tag with this key, whatever its value, shows the span as failed.</summary>
    public const string Error = "error";

    public ZipkinKey(string text, byte[] encoded, int number) : base(text, encoded, number)
    {
        IsSpecial |= text == Error;
        Endpoint = RemoteEndpoint.Rank(text);
    }

    /// <summary>How the tag's value describes the remote endpoint; null for most keys.</summary>
    public EndpointTag? Endpoint { get; }
}
