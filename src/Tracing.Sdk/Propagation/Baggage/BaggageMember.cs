namespace Tracing.Sdk.Propagation.Baggage;

/// <summary>One entry of W3C Baggage.</summary>
/// <param name="Key">A token; never percent-encoded.</param>
/// <param name="Value">The decoded value.</param>
/// <param name="Properties">Everything after the first semicolon, validated and otherwise opaque; empty for none.</param>
internal readonly record struct BaggageMember(string Key, string Value, string Properties);
