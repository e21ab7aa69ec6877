namespace Tracing.Sdk.Tests.Testbed;

/// <summary>Measures what code allocates.</summary>
internal static class Allocations
{
    private const int Warmups = 40;
    private const int Measurements = 20;

    /// <summary>The bytes that an action allocates on this thread, once its code is compiled. The least of several measurements: a collection that other threads have caused
    /// adds the unused rest of the thread's own room to the count.</summary>
    public static long Of(Action action)
    {
        for (var i = 0; i < Warmups; i++) action();
        return Enumerable.Range(0, Measurements).Min(_ => Measure(action));
    }

    private static long Measure(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
