using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>A carrier to read from. Implemented by structs, so that reading costs no more than the carrier itself.</summary>
internal interface IHeaderReader
{
    /// <summary>All values of a header, each field apart; empty when there is none. Never throws.</summary>
    StringValues Get(string name);
}
