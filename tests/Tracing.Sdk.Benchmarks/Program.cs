using BenchmarkDotNet.Running;
using Tracing.Sdk.Benchmarks;
using Tracing.Sdk.Benchmarks.EndToEnd;
using Tracing.Sdk.Benchmarks.Engine;
using Tracing.Sdk.Benchmarks.Propagation;

// Run in Release:  dotnet run -c Release --project tests/Tracing.Sdk.Benchmarks -- WHAT
//   compare [encode] [record] [times]   one table: ours, the floor, the peer, the target; exit code 1 when a target is missed
//   propagation                         extract and inject, and what hostile headers cost
//   end-to-end [requests]               a Kestrel service with nothing, with us and with the peer; exit code 1 when a target is missed
//   storm [seconds]                     ten thousand spans a second and a collector that is away half of the time: latency, memory, books
//   measure VARIANT ..., serve ...      one measurement, made by the above in a process of its own
//   anything else                       goes to BenchmarkDotNet, such as --filter '*Encode*'
switch (args)
{
    case ["compare", ..]:
        return Compare.Run(args[1..]);
    case ["measure", ..]:
        return Measurement.Run(args[1..]);
    case ["propagation", ..]:
        await PropagationComparison.Run();
        return 0;
    case ["end-to-end", .. var rest]:
        return await EndToEndComparison.RunAsync(rest is [var requests] ? int.Parse(requests, System.Globalization.CultureInfo.InvariantCulture) : 20_000) ? 0 : 1;
    case ["storm", .. var rest]:
        return Storm.Run(rest is [var seconds] ? int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) : 60);
    case ["serve", var variant, var downstream]:
        await Service.RunAsync(variant, downstream);
        return 0;
    default:
        return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
}
