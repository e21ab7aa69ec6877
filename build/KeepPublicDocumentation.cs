using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

// MSBuild task: copies the compiler's documentation file and leaves out the members that no PublicAPI.*.txt lists.
//   PublicAPI.Unshipped.txt:  static N.Type.Start(System.Action<N.Options!>? configure = null) -> N.Type!
//   documentation file:       M:N.Type.Start(System.Action{N.Options})
// Both are reduced to the name and the number of parameters: N.Type.Start/1.
// A task of the build runs on .NET Standard 2.0, which cannot read the metadata of an assembly.
public sealed class KeepPublicDocumentation : Task
{
    [Required]
    public string Documentation { get; set; }

    [Required]
    public ITaskItem[] PublicApi { get; set; }

    [Required]
    public string Output { get; set; }

    public override bool Execute()
    {
        var keys = new HashSet<string>(PublicApi.SelectMany(file => File.ReadAllLines(file.ItemSpec)).Where(line => line.Length > 0 && line[0] != '#').Select(KeyOfDeclaration));
        var document = XDocument.Load(Documentation, LoadOptions.PreserveWhitespace);
        foreach (var member in document.Descendants("member").Where(member => !keys.Contains(KeyOfId((string)member.Attribute("name")))).ToList())
        {
            // With the line break before it.
            if (member.PreviousNode is XText space) space.Remove();
            member.Remove();
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Output));
        document.Save(Output, SaveOptions.DisableFormatting);
        return true;
    }

    private static string KeyOfDeclaration(string line)
    {
        var text = Regex.Replace(line, "^((static|const|readonly|abstract|virtual|override|sealed|extern) )*", "");
        text = Regex.Replace(text, "(\\.(get|set|init)| = [^()]*)? -> .*$", "");
        text = Regex.Replace(text, "\\.extension\\([^()]*\\)\\.", ".extension.");
        var (name, parameters) = Split(text);
        name = Regex.Replace(name, "<([^<>]*)>", generic => "`" + (1 + generic.Groups[1].Value.Count(c => c == ',')));
        // A constructor has the name of its type.
        var parts = name.Split('.');
        if (parts.Length > 1 && text.Contains("(") && parts[parts.Length - 1] == Regex.Replace(parts[parts.Length - 2], "`.*", "")) parts[parts.Length - 1] = "#ctor";
        return string.Join(".", parts) + "/" + parameters;
    }

    private static string KeyOfId(string id)
    {
        // Members of an extension block stand in a type whose name the compiler makes.
        var (name, parameters) = Split(Regex.Replace(id.Substring(2), "\\.<G>\\$[0-9A-F]+\\.", ".extension.").Replace("``", "`"));
        return name + "/" + parameters;
    }

    private static (string Name, int Parameters) Split(string text)
    {
        var open = text.IndexOf('(');
        if (open < 0) return (text, 0);
        var list = text.Substring(open + 1, text.LastIndexOf(')') - open - 1);
        var depth = 0;
        var count = list.Length == 0 ? 0 : 1;
        foreach (var c in list)
        {
            if (c is '<' or '{' or '(' or '[') depth++;
            else if (c is '>' or '}' or ')' or ']') depth--;
            else if (c == ',' && depth == 0) count++;
        }

        return (text.Substring(0, open), count);
    }
}
