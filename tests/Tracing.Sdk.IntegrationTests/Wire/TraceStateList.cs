namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// The tracestate that must leave: our member first, the others as they came, within W3C's limits. A member that says no more than which span
/// wrote it stays away where it would push another one out.
/// </summary>
internal static class TraceStateList
{
    private const int MaxMembers = 32;
    private const int MaxLength = 512;
    private const int LargeMember = 128;

    public static string Expected(string? received, string spanId, bool debug)
    {
        var others = (received ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Where(member => !member.StartsWith("mesh=", StringComparison.Ordinal))
            .ToList();
        var own = $"mesh=p:{spanId}{(debug ? ";s:d" : "")}";
        if (!debug)
        {
            var kept = Truncate(others);
            return kept.Count < MaxMembers && string.Join(',', kept.Prepend(own)).Length <= MaxLength ? string.Join(',', kept.Prepend(own)) : string.Join(',', kept);
        }

        return string.Join(',', Truncate([.. others.Prepend(own).Take(MaxMembers)]));
    }

    private static List<string> Truncate(List<string> members)
    {

        // Whole members only: the large ones go first, the right-most of them first, then from the right end.
        while (string.Join(',', members).Length > MaxLength)
        {
            var large = members.FindLastIndex(member => member.Length > LargeMember);
            members.RemoveAt(large >= 0 ? large : members.Count - 1);
        }

        return members;
    }
}
