using Tracing.Sdk.Benchmarks.Propagation;

// Run in Release:  dotnet run -c Release --project tests/Tracing.Sdk.Benchmarks -- propagation
switch (args is [var name, ..] ? name : "")
{
    case "propagation":
        await PropagationComparison.Run();
        break;
    default:
        Console.Error.WriteLine("usage: propagation");
        return 1;
}

return 0;
