using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>Which headers are read and written. Made once from the options; immutable.</summary>
internal sealed record PropagationSettings
{
    public static PropagationSettings Default { get; } = new();

    /// <summary>Only ids and decision are read, for messages and for headers that are not those of the current request.</summary>
    public static PropagationSettings ContextOnly { get; } = new() { Baggage = false, RequestId = false, PassThrough = [] };

    /// <summary>No format is read or written; the headers of all of them are forwarded unchanged.</summary>
    /// <param name="more">Names of further headers to forward.</param>
    public static PropagationSettings ForwardOnly(IReadOnlyList<string> more) => new()
    {
        W3C = false,
        B3 = B3Format.None,
        Baggage = false,
        PassThrough = [.. ContextHeaders.All, .. more],
    };

    /// <summary>The formats of a list of names, the preferred first. Of the two forms of B3 the first named is written.</summary>
    public static PropagationSettings WithFormats(IEnumerable<string> formats)
    {
        var names = formats.Select(p => p.ToLowerInvariant()).ToList();
        var (w3c, multi, single) = (names.IndexOf("tracecontext"), names.IndexOf("b3multi"), names.IndexOf("b3"));
        var firstB3 = multi < 0 ? single : single < 0 ? multi : Math.Min(multi, single);
        return new PropagationSettings
        {
            W3C = w3c >= 0,
            B3 = firstB3 < 0 ? B3Format.None : firstB3 == multi ? B3Format.MultiHeader : B3Format.SingleHeader,
            B3First = firstB3 >= 0 && (w3c < 0 || firstB3 < w3c),
            Baggage = names.Contains("baggage"),
        };
    }

    public bool W3C { get; init; } = true;

    /// <summary>The form that is written. Both forms are read unless this is <see cref="B3Format.None"/>.</summary>
    public B3Format B3 { get; init; } = B3Format.MultiHeader;

    /// <summary>Whether B3 comes before W3C in the configuration: it then decides where no other evidence does.</summary>
    public bool B3First { get; init; }
    public bool Baggage { get; init; } = true;

    /// <summary>Whether Envoy's x-request-id is read, which comes with HTTP requests only.</summary>
    public bool RequestId { get; init; } = true;

    /// <summary>Keys of the baggage that may leave; <c>*</c> at the end stands for any rest.</summary>
    public IReadOnlyList<string> BaggageKeys { get; init; } = ["*"];

    /// <summary>Names of further headers that are forwarded unchanged.</summary>
    public IReadOnlyList<string> PassThrough { get; init; } = [RequestIds.ClientTraceId];
}
