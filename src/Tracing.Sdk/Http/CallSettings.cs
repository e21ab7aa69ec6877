using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>How the calls of one client are traced. They travel with each request to the code that makes its span and headers, which may be that of the platform.</summary>
internal sealed class CallSettings(HttpClientTracingOptions options)
{
    private static readonly HttpRequestOptionsKey<CallSettings> Key = new("Tracing.Sdk.Call");

    // Reading HttpRequestMessage.Options allocates a dictionary, so requests are asked only once a client has settings.
    private static volatile bool _isUsed;

    public bool HasSpan { get; } = options.Span;

    /// <summary>Whether every host is a target, or none; null where the targets say.</summary>
    public bool? IsTarget { get; } = options.Headers;

    /// <summary>Whether every host gets baggage, or none; null where the targets say.</summary>
    public bool? SendsBaggage { get; } = options.Baggage ?? (options.Headers == false ? false : null);

    /// <summary>Formats to write; null for those of the tracing.</summary>
    public PropagationSettings? Formats { get; } = options.Formats.Count == 0 ? null : PropagationSettings.WithFormats(options.Formats);

    /// <summary>The settings of a client; null when its calls are traced as the tracing's options say.</summary>
    public static CallSettings? Create(HttpClientTracingOptions options) =>
        options is { Span: true, Headers: null, Baggage: null, Formats.Count: 0 } ? null : new CallSettings(options);

    /// <summary>The settings of the client that sends a request; null as for <see cref="Create"/>.</summary>
    public static CallSettings? Find(HttpRequestMessage request) => _isUsed && request.Options.TryGetValue(Key, out var settings) ? settings : null;

    public void AddTo(HttpRequestMessage request)
    {
        if (!_isUsed) _isUsed = true;
        request.Options.Set(Key, this);
    }
}
