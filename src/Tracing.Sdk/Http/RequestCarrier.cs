using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>The headers of an outbound request, to read those that user code has set and to write this library's.</summary>
internal readonly struct RequestCarrier(HttpRequestMessage request) : IHeaderReader, IHeaderWriter
{
    public StringValues Get(string name)
    {
        if (!request.Headers.NonValidated.TryGetValues(name, out var values)) return default;
        return values.Count == 1 ? new StringValues(values.ToString()) : new StringValues([.. values]);
    }

    public void Remove(IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++) request.Headers.Remove(names[i]);
    }

    // Without validation, because every value is valid by the grammar of its format.
    public void Set(string name, string value) => request.Headers.TryAddWithoutValidation(name, value);
}
