using BenchmarkDotNet.Running;
using Tracing.Sdk.Benchmarks;
using Tracing.Sdk.Benchmarks.Engine;

// compare [encode] [record] [times]
//                     one table: ours, the floor, the peer, the target; exit code 1 when a target is missed
// measure VARIANT ... one measurement, made by compare in a process of its own
// anything else       goes to BenchmarkDotNet, such as --filter '*Encode*'
return args switch
{
    ["compare", ..] => Compare.Run(args[1..]),
    ["measure", ..] => Measurement.Run(args[1..]),
    _ => BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0,
};
