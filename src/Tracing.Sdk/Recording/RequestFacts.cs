using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Recording;

/// <summary>What rules read of a request.</summary>
/// <param name="Method">The method as it came in.</param>
/// <param name="Path">The path with its base, decoded.</param>
/// <param name="Host">The name in the Host header, without a port; empty when there is none.</param>
/// <param name="Headers">All headers.</param>
/// <param name="Route">The template of the matched route, with a slash at its beginning; null before routing and when no route matches.</param>
internal readonly record struct RequestFacts(string Method, string Path, string Host, IDictionary<string, StringValues> Headers, string? Route);
