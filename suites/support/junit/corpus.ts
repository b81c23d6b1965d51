import { DAMAGED } from './corpus-damaged.ts'
import type { InputReport } from '../../../src/reports/merge/input.ts'

/** An input, and what a merge has to find in it. Everything that is not said is expected to be absent. */
export interface Specimen {
  readonly what: string
  readonly input: string | Buffer
  /** tests, failures, errors, skipped. */
  readonly totals: readonly [number, number, number, number]
  readonly state?: InputReport['state']
  /** Part of the first problem. */
  readonly problem?: string
  readonly flags?: readonly Flag[]
  /** Pieces of what is in the merged report: suites as `name`, cases as `classname :: name`, elements as `<tag>`. */
  readonly holds?: readonly string[]
}
export type Flag = 'differences' | 'replaced' | 'cut' | 'renamed' | 'times' | 'unknown'

const suite = (body: string, attributes = 'name="s"'): string => `<testsuite ${attributes}>${body}</testsuite>`

/** What runners write, and what else is in order. */
const ORDERLY: readonly Specimen[] = [
  // Dialects.
  {
    what: 'pytest',
    input:
      '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.05" timestamp="2026-01-01T00:00:00+00:00" hostname="h"><testcase classname="t" name="a" time="0.001"/><testcase classname="t" name="b[x-1]" time="0.001"><failure message="assert 1 == 2">def</failure></testcase><testcase classname="t" name="c" time="0"><skipped type="pytest.skip" message="no">t.py:3: no</skipped></testcase><testcase classname="t" name="d" time="0"><error message="failed on setup">E</error></testcase></testsuite></testsuites>',
    totals: [4, 1, 1, 1],
    holds: ['pytest', 't :: b[x-1]'],
  },
  {
    what: 'Surefire with retries',
    input:
      '<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://x/y.xsd" version="3.0" name="com.A" time="1,234.567" tests="3" errors="0" skipped="0" failures="1"><properties><property name="java.version" value="21"/></properties><testcase name="flaky" classname="com.A" time="0.1"><flakyFailure message="m" type="T"><stackTrace><![CDATA[at x]]></stackTrace><system-out>o</system-out></flakyFailure></testcase><testcase name="bad" classname="com.A" time="0.1"><failure message="m" type="T">1</failure><rerunFailure message="m" type="T"><stackTrace>2</stackTrace></rerunFailure></testcase><testcase name="ok" classname="com.A" time="1,000.5"/></testsuite>',
    totals: [3, 1, 0, 0],
    holds: ['com.A', '<flakyFailure>', '<rerunFailure>'],
  },
  {
    what: 'Gradle',
    input:
      '<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="A" tests="1" skipped="0" failures="0" errors="0" timestamp="2026-01-01T00:00:00" hostname="h" time="0.01">\n  <properties/>\n  <testcase name="t()" classname="A" time="0.01"/>\n  <system-out><![CDATA[out]]></system-out>\n  <system-err><![CDATA[]]></system-err>\n</testsuite>',
    totals: [1, 0, 0, 0],
    holds: ['<system-out>'],
  },
  {
    what: 'gotestsum',
    input:
      '<testsuites tests="2" failures="1" errors="0" time="0.1"><testsuite tests="2" failures="1" time="0.1" name="example.com/p" timestamp="2026-01-01T00:00:00Z"><properties><property name="go.version" value="go1.24"/></properties><testcase classname="p" name="TestA" time="0"/><testcase classname="p" name="TestB/sub" time="0"><failure message="Failed" type="">=== RUN</failure></testcase></testsuite></testsuites>',
    totals: [2, 1, 0, 0],
  },
  {
    what: 'Ginkgo',
    input:
      '<testsuites tests="3" disabled="1" errors="1" failures="0" time="1"><testsuite name="S" package="/x" tests="3" disabled="1" skipped="0" errors="1" failures="0" time="1"><properties><property name="SuiteSucceeded" value="false"></property></properties><testcase name="[It] a" classname="S" status="passed" time="1"></testcase><testcase name="[It] p" classname="S" status="pending" time="0"><skipped message="pending"></skipped></testcase><testcase name="[It] b" classname="S" status="panicked" time="0"><error message="panic" type="panicked">x</error><system-err>y</system-err></testcase></testsuite></testsuites>',
    totals: [3, 0, 1, 1],
  },
  {
    what: 'PHPUnit, suites inside of suites',
    input:
      '<testsuites><testsuite name="/x/phpunit.xml" tests="3" assertions="3" errors="0" failures="1" skipped="0" time="0.1"><testsuite name="Unit" tests="3" errors="0" failures="1" skipped="0" time="0.1"><testsuite name="ATest" file="/x/ATest.php" tests="3" errors="0" failures="1" skipped="0" time="0.1"><testsuite name="ATest::testP" tests="2" errors="0" failures="0" skipped="0"><testcase name="testP with data set #0" class="ATest" classname="ATest" assertions="1" time="0.01"/><testcase name="testP with data set #1" class="ATest" classname="ATest" assertions="1" time="0.01"/></testsuite><testcase name="testQ" classname="ATest" line="9"><failure type="X">f</failure></testcase></testsuite></testsuite></testsuite></testsuites>',
    totals: [3, 1, 0, 0],
    holds: ['/x/phpunit.xml > Unit > ATest > ATest::testP', '/x/phpunit.xml > Unit > ATest'],
  },
  {
    what: 'googletest with a disabled test',
    input:
      '<testsuites tests="2" failures="0" disabled="1" errors="0" time="0.1" name="AllTests"><testsuite name="A" tests="2" failures="0" disabled="1" skipped="0" errors="0" time="0.1"><testcase name="x" status="run" result="completed" time="0.1" classname="A"/><testcase name="DISABLED_y" status="notrun" result="suppressed" time="0." classname="A"/></testsuite></testsuites>',
    totals: [2, 0, 0, 1],
  },
  {
    what: 'Bazel, a target without cases that failed',
    input:
      '<testsuites><testsuite name="//a:b" tests="1" failures="0" errors="1"><testcase name="//a:b" status="run" duration="1" time="1"><error message="exited with error code 1"></error></testcase><system-out>log</system-out></testsuite></testsuites>',
    totals: [1, 0, 1, 0],
  },
  {
    what: 'jest-junit',
    input:
      '<testsuites name="jest tests" tests="2" failures="1" errors="0" time="1.2"><testsuite name="a" errors="0" failures="1" skipped="1" timestamp="2026-01-01T00:00:00" time="1" tests="2"><testcase classname="a x" name="a x" time="0.1"><failure>Error: a\n    at b</failure></testcase><testcase classname="a y" name="a y" time="0"><skipped/></testcase></testsuite></testsuites>',
    totals: [2, 1, 0, 1],
  },
  {
    what: 'mocha-junit-reporter, a root suite without cases',
    input:
      '<testsuites name="Mocha Tests" time="0.1" tests="1" failures="0"><testsuite name="Root Suite" timestamp="2026-01-01T00:00:00" tests="0" time="0" failures="0"></testsuite><testsuite name="A" tests="1" file="/a.js" time="0.1" failures="0"><testcase name="A x" time="0.1" classname="x"></testcase></testsuite></testsuites>',
    totals: [1, 0, 0, 0],
    holds: ['Root Suite', 'A'],
  },
  {
    what: 'node:test, cases outside of any suite',
    input:
      '<testsuites><testcase name="top" time="0.1" classname="test"/><testsuite name="d" time="0.1" disabled="0" errors="0" tests="2" failures="1" skipped="1" hostname="h"><testcase name="a" time="0" classname="test" failure="boom"><failure type="testCodeFailure" message="boom">x</failure></testcase><testcase name="b" time="0" classname="test"><skipped type="skipped" message="true"/></testcase></testsuite><!-- tests 3 --></testsuites>',
    totals: [3, 1, 0, 1],
    holds: ['input', 'd'],
  },
  {
    what: 'Playwright',
    input:
      '<testsuites id="" name="" tests="1" failures="1" skipped="0" errors="0" time="1"><testsuite name="a.spec.ts" timestamp="2026-01-01T00:00:00.000Z" hostname="chromium" tests="1" failures="1" skipped="0" time="1" errors="0"><testcase name="x" classname="a.spec.ts" time="1"><failure message="a.spec.ts:3:1 x" type="FAILURE"><![CDATA[  Error]]></failure><system-out><![CDATA[\n[[ATTACHMENT|a.png]]\n]]></system-out></testcase></testsuite></testsuites>',
    totals: [1, 1, 0, 0],
  },
  {
    what: 'nextest',
    input:
      '<testsuites name="nextest-run" tests="2" failures="0" errors="0" uuid="u" timestamp="2026-01-01T00:00:00.000+00:00" time="0.1"><testsuite name="c" tests="2" disabled="0" errors="0" failures="0"><testcase name="m::a" classname="c" timestamp="2026-01-01T00:00:00.000+00:00" time="0.004"><flakyFailure timestamp="2026-01-01T00:00:00.000+00:00" time="0.1" message="m" type="test failure">x<system-out>o</system-out></flakyFailure></testcase><testcase name="m::b" classname="c" time="0.004"/></testsuite></testsuites>',
    totals: [2, 0, 0, 0],
    holds: ['<flakyFailure>'],
  },
  {
    what: 'CTest',
    input:
      '<testsuite name="L" tests="2" failures="1" disabled="0" skipped="0" hostname="" time="0" timestamp="2026-01-01T00:00:00"><testcase name="a" classname="a" time="0.1" status="run"><properties/><system-out>x</system-out></testcase><testcase name="b" classname="b" time="0.1" status="fail"><failure message=""/><properties/></testcase></testsuite>',
    totals: [2, 1, 0, 0],
  },
  {
    what: 'a status in words only',
    input: suite(
      '<testcase name="a" status="failed"/><testcase name="b" status="passed"/><testcase name="c" status="ignored"/>',
    ),
    totals: [3, 1, 0, 1],
  },
  {
    what: 'a Go package that does not compile, as older versions of gotestsum write it',
    input: '<testsuites tests="0" failures="0" errors="1"/>',
    totals: [1, 0, 1, 0],
    flags: ['differences'],
    holds: ['input :: (suite)'],
  },
  // Structure.
  { what: 'a bare testcase', input: '<testcase name="a"/>', totals: [1, 0, 0, 0], holds: ['input :: a'] },
  {
    what: 'suites without cases',
    input: '<testsuites><testsuite name="a" tests="0"/><testsuite name="b"></testsuite></testsuites>',
    totals: [0, 0, 0, 0],
    holds: ['a', 'b'],
  },
  { what: 'no suites at all', input: '<testsuites/>', totals: [0, 0, 0, 0] },
  {
    what: 'an error of a suite without a case',
    input: suite('<error message="does not compile">x</error>', 'name="s" tests="0" errors="1"'),
    totals: [1, 0, 1, 0],
    holds: ['s :: (suite)'],
  },
  {
    what: 'a failure of all suites',
    input: '<testsuites><failure message="m"/><testsuite name="a"/></testsuites>',
    totals: [1, 1, 0, 0],
  },
  {
    what: 'cases before and after an inner suite',
    input: suite(
      `<testcase name="1"/>${suite('<testcase name="2"/>', 'name="t"')}<testcase name="3"/>`,
      'name="s" tests="3"',
    ),
    totals: [3, 0, 0, 0],
    holds: ['s', 's > t', 's #2'],
  },
  {
    what: 'testsuites inside of testsuites',
    input: `<testsuites><testsuites tests="1">${suite('<testcase name="a"/>')}</testsuites></testsuites>`,
    totals: [1, 0, 0, 0],
  },
  {
    what: 'equal names',
    input: suite(
      '<testcase name="a" classname="c"/><testcase name="a" classname="c"/><testcase name="a #2" classname="c"/>',
    ),
    totals: [3, 0, 0, 0],
    flags: ['renamed'],
    holds: ['c :: a', 'c :: a #2', 'c :: a #2 #2'],
  },
  {
    what: 'equal suites',
    input: `<testsuites>${suite('')}${suite('')}</testsuites>`,
    totals: [0, 0, 0, 0],
    holds: ['s', 's #2'],
  },
  {
    what: 'no names',
    input: '<testsuite><testcase/></testsuite>',
    totals: [1, 0, 0, 0],
    holds: ['(no name)', '(no name) :: (no name)'],
  },
  {
    what: 'more than one problem in a case',
    input: suite('<testcase name="a"><error/><failure/><skipped/></testcase>'),
    totals: [1, 1, 0, 0],
  },
  {
    what: 'failure and a skip',
    input: suite('<testcase name="a"><skipped/><error/></testcase>'),
    totals: [1, 0, 1, 0],
  },
  {
    what: 'more declared than there is',
    input: suite('<testcase name="a"/>', 'name="s" tests="2"'),
    totals: [1, 0, 0, 0],
    flags: ['differences'],
  },
  {
    what: 'failures declared, none there',
    input: suite('<testcase name="a"/>', 'name="s" tests="1" failures="1"'),
    totals: [2, 0, 1, 0],
    flags: ['differences'],
  },
  {
    what: 'errors counted as failures',
    input: suite('<testcase name="a"><error/></testcase>', 'name="s" tests="1" failures="1"'),
    totals: [1, 0, 1, 0],
  },
  {
    what: 'properties, also of a case',
    input: suite(
      '<properties><property name="a" value="1"/></properties><testcase name="x"><properties><property name="b">2</property></properties></testcase>',
    ),
    totals: [1, 0, 0, 0],
    holds: ['<properties>'],
  },
  {
    what: 'an unknown element in a case',
    input: suite('<testcase name="a"><screenshot href="x"/></testcase>'),
    totals: [1, 0, 0, 0],
    flags: ['unknown'],
    holds: ['<screenshot>'],
  },
  {
    what: 'prefixes',
    input:
      '<j:testsuites xmlns:j="urn:j"><j:testsuite name="s"><j:testcase name="a" x:y="1"><j:failure/></j:testcase></j:testsuite></j:testsuites>',
    totals: [1, 1, 0, 0],
  },
  {
    what: 'comments and instructions',
    input:
      '<?xml version="1.0"?><!-- a --><?xsl b?><testsuites><!-- <testcase name="no"/> --><testsuite name="s"><testcase name="a"/><?x y?></testsuite></testsuites><!-- end -->',
    totals: [1, 0, 0, 0],
  },
  {
    what: 'times',
    input: suite(
      '<testcase name="a" time="0,5"/><testcase name="b" time="1.234,5"/><testcase name="c" time="1e-3"/><testcase name="d" time="-1"/>',
    ),
    totals: [4, 0, 0, 0],
  },
  {
    what: 'times that are none',
    input: suite('<testcase name="a" time="NaN"/><testcase name="b" time="5 s"/>'),
    totals: [2, 0, 0, 0],
    flags: ['times'],
  },
  {
    what: 'references',
    input: suite('<testcase name="&lt;&#65;&#x1F600;&quot;&apos;&amp;&#10;"/>'),
    totals: [1, 0, 0, 0],
    holds: ['s :: <A\u{1f600}"\'&\n'],
  },
  {
    what: '"]]>" in a text, split over two sections',
    input: suite('<testcase name="a"><failure><![CDATA[x]]]]><![CDATA[>y]]></failure></testcase>'),
    totals: [1, 1, 0, 0],
  },
  {
    what: 'JUnit as the output of a test',
    input: suite(
      '<testcase name="a"><system-out><![CDATA[<testcase name="b"><failure/></testcase>]]></system-out></testcase>',
    ),
    totals: [1, 0, 0, 0],
  },
  {
    what: 'white space in values',
    input: suite('<testcase name="a\n\tb"/>'),
    totals: [1, 0, 0, 0],
    holds: ['s :: a  b'],
  },
  {
    what: 'no XML declaration, line ends of Windows',
    input: '\r\n<testsuite name="s">\r\n<testcase name="a"/>\r\n</testsuite>\r\n',
    totals: [1, 0, 0, 0],
  },
  {
    what: 'a DTD that is not needed',
    input:
      '<!DOCTYPE testsuites [<!ELEMENT testsuites (testsuite*)> <!-- ]> -->]><testsuites><testsuite name="s"><testcase name="a"/></testsuite></testsuites>',
    totals: [1, 0, 0, 0],
  },
]

export const CORPUS: readonly Specimen[] = [...ORDERLY, ...DAMAGED]
