using System.Text;
using MeshDemo;
using MeshDemo.Collecting;
using MeshDemo.Processes;
using MeshDemo.StandIn;

// The demo starts its smaller parts as processes of this same program. Their arguments come from the demo.
switch (args)
{
    case [Reaper.Command]:
        return Reaper.Run(Console.In);
    case [CollectorServer.Command, var zipkin, var otlp, "--urls", var url]:
        await CollectorServer.RunAsync(zipkin, otlp, url);
        return 0;
    case [StandInProxy.Command, var role, var formats, var upstream, var spans, "--urls", var url]:
        await StandInProxy.RunAsync(role, formats, new Uri(upstream), new Uri(spans), url);
        return 0;
}

// The bars and branches of the tree are not ASCII.
Console.OutputEncoding = Encoding.UTF8;
try
{
    var options = DemoOptions.Parse(args);
    if (options.ShowHelp)
    {
        Console.WriteLine(DemoOptions.Help);
        return 0;
    }

    return await new Demo(options).RunAsync();
}
catch (DemoException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
