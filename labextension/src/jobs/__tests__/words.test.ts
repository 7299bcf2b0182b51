import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { submittedJob } from '../../jobDecode';
import type { SubmittedJob } from '../../types';
import { jobTime, jobWords } from '../words';

const trans = nullTranslator.load('');

function job(said: Partial<SubmittedJob>): SubmittedJob {
  const whole = submittedJob(
    {
      id: 'a',
      name: 'far',
      backend: 'azureml',
      target: 'azureml:cpu',
      what: 'cell',
      state: 'running',
      workspace_id: '0123456789ab',
      workspace_name: 'ws',
      submitted_ms: 0
    },
    ''
  );
  return { ...whole, ...said };
}

describe('jobs in words', () => {
  it('say what the service says where that is more', () => {
    expect(jobWords(job({ detail: 'Running' }), trans)).toBe('running');
    expect(jobWords(job({ state: 'preparing', detail: 'uploading code' }), trans)).toBe(
      'preparing · uploading code'
    );
    expect(jobWords(job({ state: 'done', detail: 'Completed' }), trans)).toBe('done');
  });

  it('say that a job is being stopped, or followed by nobody', () => {
    expect(jobWords(job({ cancel_asked: true }), trans)).toBe('stopping');
    expect(jobWords(job({ state: 'cancelled', cancel_asked: true }), trans)).toBe('stopped');
    expect(jobWords(job({ followed: false }), trans)).toBe('running, not followed here');
  });

  it('tell time from the beginning on', () => {
    expect(jobTime(job({}), 5000)).toBe('');
    expect(jobTime(job({ began_ms: 1000 }), 66_000)).toBe('01:05');
  });
});
