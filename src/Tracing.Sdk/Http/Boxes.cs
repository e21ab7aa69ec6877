namespace Tracing.Sdk.Http;

/// <summary>Numbers as objects, made once: a status code is on every span, and the ports of a service's connections change rarely.</summary>
internal static class Boxes
{
    private static readonly object[] Small = [.. Enumerable.Range(0, 600).Select(number => (object)number)];
    private static readonly object?[] Recent = new object?[256];

    public static object Of(int number)
    {
        if ((uint)number < (uint)Small.Length) return Small[number];
        var index = number & (Recent.Length - 1);
        // Any thread may put another number there: what is returned is what was compared.
        if (Recent[index] is { } box && (int)box == number) return box;
        box = number;
        Recent[index] = box;
        return box;
    }
}
