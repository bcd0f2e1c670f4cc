import { FAULTS } from '#proto/faults.ts';
import type { Problem } from '#proto/problems.ts';
import { told } from './told.ts';

/** Problems as SARIF 2.1.0 (OASIS), as code scanning and editors read it. `root` is where the fleet stands in the repository. */
export function sarifLog(problems: readonly Problem[], root: string, version: string) {
  const codes = [...new Set(problems.map((problem) => problem.code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'flotilla',
            version,
            rules: codes.map((id) => {
              const [what, remedy] = FAULTS[id];
              return { id, shortDescription: { text: what }, help: { text: remedy } };
            }),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: problems.map((problem) => {
          const { file, line, column, message, suggestion } = told(problem);
          const uri = encodeURI(root === '' ? file : `${root}/${file}`);
          const more = suggestion === undefined || message.includes(suggestion) ? '' : ` (${suggestion})`;
          return {
            ruleId: problem.code,
            ruleIndex: codes.indexOf(problem.code),
            level: problem.severity,
            message: { text: message + more },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri },
                  region: { startLine: line, startColumn: column },
                },
              },
            ],
          };
        }),
      },
    ],
  };
}
