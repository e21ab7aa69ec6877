namespace Tracing.Sdk.Http;

/// <summary>Caches boxed numbers: every span has a status code, and the ports of a service's connections change rarely.</summary>
internal static class Boxes
{
    private static readonly object[] Small = [.. Enumerable.Range(0, 600).Select(number => (object)number)];
    private static readonly object?[] Recent = new object?[256];

    public static object Get(int number)
    {
        if ((uint)number < (uint)Small.Length) return Small[number];
        var index = number & (Recent.Length - 1);
        // Another thread may replace the entry at any time, so the object that was compared is the one that is returned.
        if (Recent[index] is { } box && (int)box == number) return box;
        box = number;
        Recent[index] = box;
        return box;
    }
}
