using BenchmarkDotNet.Running;
using Tracing.Sdk.Benchmarks;
using Tracing.Sdk.Benchmarks.EndToEnd;
using Tracing.Sdk.Benchmarks.Engine;
using Tracing.Sdk.Benchmarks.Propagation;

// Run in Release:  dotnet run -c Release --project tests/Tracing.Sdk.Benchmarks -- WHAT
//   compare [encode] [record] [child] [hook] [bytes] [rounds]  one table: ours, the floor, the peer, the target; exit code 1 when a target is missed
//   propagation                         extract and inject, and what hostile headers cost
//   end-to-end [rounds]                 a Kestrel service with nothing, with us and with the peer; exit code 1 when a target is missed
//   rules [rounds]                      the same with twenty rules, and with requests that are left out
//   storm [seconds]                     ten thousand spans a second and a collector that is away half of the time: latency, memory, counts
//   serve ...                           one service, run by end-to-end in a process of its own
//   anything else                       goes to BenchmarkDotNet, such as --filter '*Encode*'
switch (args)
{
    case ["compare", ..]:
        return await Compare.RunAsync(args[1..]);
    case ["propagation", ..]:
        await PropagationComparison.Run();
        return 0;
    case ["end-to-end", .. var rest]:
        return await EndToEndComparison.RunAsync(rest is [var rounds] ? int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture) : 60) ? 0 : 1;
    case ["rules", .. var rest]:
        return await EndToEndComparison.RunRulesAsync(rest is [var count] ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) : 60) ? 0 : 1;
    case ["storm", .. var rest]:
        return Storm.Run(rest is [var seconds] ? int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) : 60);
    case ["serve", var variant]:
        await Service.RunAsync(variant);
        return 0;
    default:
        return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
}
