using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>A carrier to read from. Implemented by structs, so that reading costs no more than the carrier itself.</summary>
internal interface IHeaderReader
{
    /// <summary>All values of a header, each field apart; empty when there is none. Never throws.</summary>
    StringValues Get(string name);
}

/// <summary>A carrier to write to. Implemented by structs, so that writing costs no more than the carrier itself.</summary>
internal interface IHeaderWriter
{
    /// <summary>Sets a name to one value, in place of any older one. The value is valid by the grammar of its format.</summary>
    void Set(string name, string value);
}
