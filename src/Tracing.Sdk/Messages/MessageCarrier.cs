using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Messages;

/// <summary>The headers of a message in a dictionary, which may compare names with regard to case. Its code may be the application's, and throw.</summary>
internal readonly struct MessageReader : IHeaderReader
{
    private readonly KeyValuePair<string, string>[] _headers = [];

    public MessageReader(IReadOnlyDictionary<string, string>? headers)
    {
        if (headers is null) return;
        try
        {
            _headers = [.. headers];
        }
        catch (Exception)
        {
            // A dictionary that throws counts as having no headers: the message must still be handled.
        }
    }

    public StringValues Get(string name)
    {
        foreach (var (key, value) in _headers)
        {
            if (name.Equals(key, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return default;
    }
}

/// <summary>The headers of a message, without those that are too long to be sent on. A server of HTTP bounds what a request brings; a queue does not, and a call that carries on
/// what came in would fail.</summary>
internal readonly struct BoundedReader<TReader>(TReader headers) : IHeaderReader where TReader : struct, IHeaderReader
{
    // The whole of the baggage: https://www.w3.org/TR/baggage/#limits. No other header of a context is longer.
    private const int MaxLength = 8192;

    public StringValues Get(string name)
    {
        var values = headers.Get(name);
        var length = 0;
        foreach (var value in values) length += value?.Length ?? 0;
        return length <= MaxLength ? values : default;
    }
}

/// <summary>The headers of a message in a dictionary. The first header of a context removes what the dictionary holds of another one: the headers of a message that is sent on
/// are often a copy of those that came in, and a rest of them in another format would contradict the new ones.</summary>
internal struct MessageWriter(IDictionary<string, string> headers) : IHeaderWriter
{
    private bool _isCleared;

    public void Set(string name, string value)
    {
        try
        {
            if (!_isCleared && ContextHeaders.TraceContext.Contains(name))
            {
                _isCleared = true;
                RemoveContext();
            }

            headers[name] = value;
        }
        catch (Exception)
        {
            // A dictionary that throws gets no header: the message must still be sent.
        }
    }

    private readonly void RemoveContext()
    {
        if (headers.Count == 0) return;
        foreach (var name in headers.Keys.Where(key => ContextHeaders.TraceContext.Contains(key, StringComparer.OrdinalIgnoreCase)).ToArray()) headers.Remove(name);
    }
}
