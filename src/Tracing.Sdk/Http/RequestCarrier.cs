using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>The headers of an outbound request, to read what the user set by hand and to write ours.</summary>
internal readonly struct RequestCarrier(HttpRequestMessage request) : IHeaderReader, IHeaderWriter
{
    public StringValues Get(string name)
    {
        if (!request.Headers.NonValidated.TryGetValues(name, out var values)) return default;
        return values.Count == 1 ? new StringValues(values.ToString()) : new StringValues([.. values]);
    }

    // Values come from our own grammar or have passed it: validation again would cost time, and could only fail the user's call.
    public void Set(string name, string value) => request.Headers.TryAddWithoutValidation(name, value);
}
