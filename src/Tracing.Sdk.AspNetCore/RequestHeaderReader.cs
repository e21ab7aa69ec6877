using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The headers of an inbound request.</summary>
internal readonly struct RequestHeaderReader(IHeaderDictionary headers) : IHeaderReader
{
    public StringValues Get(string name) => headers.TryGetValue(name, out var values) ? values : default;
}
