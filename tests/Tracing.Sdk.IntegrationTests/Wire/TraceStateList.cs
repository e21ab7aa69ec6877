namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>The tracestate that must leave: our member first, the others as they came, within W3C's limits.</summary>
internal static class TraceStateList
{
    private const int MaxMembers = 32;
    private const int MaxLength = 512;
    private const int LargeMember = 128;

    public static string Expected(string? received, string spanId, bool debug)
    {
        var members = (received ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Where(member => !member.StartsWith("mesh=", StringComparison.Ordinal))
            .Prepend($"mesh=p:{spanId}{(debug ? ";s:d" : "")}")
            .Take(MaxMembers)
            .ToList();

        // Whole members only: the large ones go first, the right-most of them first, then from the right end.
        while (string.Join(',', members).Length > MaxLength)
        {
            var large = members.FindLastIndex(member => member.Length > LargeMember);
            members.RemoveAt(large >= 0 ? large : members.Count - 1);
        }

        return string.Join(',', members);
    }
}
